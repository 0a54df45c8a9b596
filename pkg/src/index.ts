/** The entry for browsers and bundlers: the module is a file of its own. */

import { createClientWith } from "./client.js"
import { loadFromUrl } from "./load-url.js"
import type { CreateClient } from "./types.js"

export type * from "./types.js"

export const createClient: CreateClient = createClientWith(loadFromUrl)
