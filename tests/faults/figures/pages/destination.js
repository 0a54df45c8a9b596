import { enter, leaveForEver, trip } from "/trip.js"

if (!trip.exposes) leaveForEver()
else {
  const client = await enter()
  client.getFlag("landing")
  setTimeout(() => location.replace("/gone.html"), trip.stayMs)
}
