// Tests the client against a running API: `API_URL=… API_TOKEN=… npm test`.

import assert from "node:assert/strict";
import test from "node:test";

import { connect, type Schemas } from "./index.js";

const { API_URL: url = "http://localhost:5000", API_TOKEN: token = "" } = process.env;
const api = connect(url, token);
const ada: Schemas["CreatePerson"] = { name: "Ada Lovelace", emails: ["ada@example.com"] };

test("a created person is found and changed", async () => {
    const created = await api.POST("/persons", { body: ada });
    assert.equal(created.response.status, 201);
    assert.ok(created.data);
    const path = { id: created.data.id };
    const found = await api.GET("/persons/{id}", { params: { path } });
    assert.deepEqual(found.data, created.data);
    const header = { "If-Match": created.response.headers.get("etag") ?? "" };
    const body = { nickname: "Countess" };
    const changed = await api.PATCH("/persons/{id}", { params: { path, header }, body });
    assert.equal(changed.data?.nickname, "Countess");
});

test("a list respects the limit", async () => {
    const first = await api.GET("/persons", { params: { query: { limit: 1 } } });
    assert.equal(first.data?.items.length, 1);
});

test("an error response names the invalid field", async () => {
    const refused = await api.POST("/persons", { body: { ...ada, emails: [] } });
    assert.equal(refused.response.status, 422);
    assert.equal(refused.error?.errors?.[0]?.pointer, "/emails");
    const anonymous = await connect(url).GET("/persons");
    assert.equal(anonymous.error?.code, "unauthorized");
});

test("values outside the schema do not compile", () => {
    // @ts-expect-error
    const wrong: Schemas["CreatePerson"] = { name: 1, emails: ["ada@example.com"] };
    assert.equal(wrong.name, 1);
    // @ts-expect-error
    assert.equal(typeof (() => api.GET("/nothing")), "function");
});
