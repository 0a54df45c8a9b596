import { enter, save, trip } from "/trip.js"

const client = await enter()
const answer = client.getFlag("landing")
trip.answers += answer ?? "-"
save()
// The first arm is the page as it is: there the visitor stays for a while. The others are redirected.
if (answer === 0) setTimeout(() => location.replace("/gone.html"), trip.stayMs)
else if (trip.delayMs === 0) location.replace("/destination.html")
else setTimeout(() => location.replace("/destination.html"), trip.delayMs)
