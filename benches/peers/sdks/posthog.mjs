// The slim entry with its part for flags: half of the whole.
import { FeatureFlagsExtensions } from "posthog-js/dist/extension-bundles.js"
import { PostHog } from "posthog-js/dist/module.slim.js"
import { SPLIT, toObject } from "./parts.mjs"

export const about = { name: "posthog-js", packages: ["posthog-js"], decides: false, exposures: "sent" }

export const write = (keys) => JSON.stringify(toObject(keys, (_, place) => SPLIT[place % 2]))

let instances = 0

export async function create(text, person, sink) {
  const client = new PostHog().init("loopback", {
    api_host: sink,
    __extensionClasses: FeatureFlagsExtensions,
    bootstrap: { distinctID: person.id, isIdentifiedID: true, featureFlags: JSON.parse(text) },
    // What is no flag is off.
    advanced_disable_flags: true,
    autocapture: false,
    capture_pageview: false,
    capture_pageleave: false,
    capture_performance: false,
    capture_dead_clicks: false,
    capture_exceptions: false,
    disable_external_dependency_loading: true,
    disable_session_recording: true,
    disable_surveys: true,
    opt_out_useragent_filter: true,
    persistence: "memory",
  }, `instance-${instances++}`)
  return {
    read: (key) => client.getFeatureFlag(key),
    close() {},
  }
}
