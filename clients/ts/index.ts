// A typed client of the API. `schema.ts` is generated from `openapi.json`; what it says of paths,
// parameters and bodies holds here.

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

/** What requests and answers are made of, by its name in the document. */
export type Schemas = components["schemas"];

/** The API at this address, called with this token, or as a stranger. */
export function connect(baseUrl: string, token?: string) {
    const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
    return createClient<paths>({ baseUrl, headers });
}
