// A typed client of the API. `schema.ts` is generated from `openapi.json` and gives paths,
// parameters and bodies their types.

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

/** The types of request and response bodies, by their schema name in the OpenAPI document. */
export type Schemas = components["schemas"];

/** Creates a client for the API at `baseUrl`. Without a token, it is an anonymous client. */
export function connect(baseUrl: string, token?: string) {
    const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
    return createClient<paths>({ baseUrl, headers });
}
