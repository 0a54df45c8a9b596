import { useEffect, useState } from "preact/hooks"
import type { Live } from "../live.js"
import { useSignal } from "../signal.js"

const REFRESH_EVERY_MS = 250

/** How many of the exposures in the list have come how far, and the time to the next flush. */
export function Counters({ live }: { live: Live }) {
  useSignal(live.log.changed)
  const [nowMs, setNowMs] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), REFRESH_EVERY_MS)
    return () => clearInterval(timer)
  }, [])

  const stats = live.client.stats()
  const { pending, acknowledged, stored } = live.log.counts()
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0)

  return (
    <>
      <p class="next-flush">
        {stats.adopted > 0 && <span class="note">{stats.adopted} taken over</span>}
        {stats.resent > 0 && <span class="note">{stats.resent} sent again</span>}
        {stats.refused > 0 && <span class="note">{stats.refused} refused</span>}
        {dropped > 0 && <span class="note">{dropped} dropped</span>}
        {stats.sending > 0 ? "sending" : <NextFlush atMs={stats.nextFlushAtMs} nowMs={nowMs} />}
      </p>
      <dl class="counters">
        <Counter name="recorded" count={pending + acknowledged} />
        <Counter name="pending" count={pending} />
        <Counter name="acknowledged" count={acknowledged} />
        <Counter name="stored" count={stored} />
      </dl>
    </>
  )
}

function NextFlush({ atMs, nowMs }: { atMs: number | undefined; nowMs: number }) {
  if (atMs === undefined) return <>no flush due</>
  return (
    <>
      next flush in <strong>{(Math.max(0, atMs - nowMs) / 1000).toFixed(1)} s</strong>
    </>
  )
}

function Counter({ name, count }: { name: string; count: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{count}</dd>
    </div>
  )
}
