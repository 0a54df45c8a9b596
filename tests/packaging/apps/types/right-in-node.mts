import { createClient } from "pennon"
import { createClient as createInline } from "pennon/inline"

const clients = [await createClient<{ a: number }>({ exposures: false }), await createInline<{ a: number }>({})]
export const numbers: number[] = clients.map((client) => client.getFlag("a", 1))
