import { leaveForEver } from "/trip.js"

leaveForEver()
