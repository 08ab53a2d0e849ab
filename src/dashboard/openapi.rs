//! The OpenAPI document (3.1) of what is served. Its schemas are those of the types which are served, so it cannot say something else.

use super::api::{Feeds, IncidentReport, Incidents, Prefixes, Problem, Services, Status};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The document.
pub(super) fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let mut paths = Map::new();
    let mut path = |path: &str, what: Value| paths.insert(path.to_owned(), json!({ "get": what }));
    path("/api/v1/status", of_json::<Status>(&mut generator, "Whether anything can be seen, and how many incidents are open"));
    path("/api/v1/prefixes", of_json::<Prefixes>(&mut generator, "How every prefix is, and who saw it in the last six hours"));
    path("/api/v1/services", of_json::<Services>(&mut generator, "How every service is"));
    path("/api/v1/feeds", of_json::<Feeds>(&mut generator, "The stream, collectors and vantage points"));
    path("/api/v1/incidents", of_json::<Incidents>(&mut generator, "Incidents, those which go on first"));
    let mut one = of_json::<IncidentReport>(&mut generator, "An incident with its report");
    one["parameters"] = json!([{
        "name": "number", "in": "path", "required": true, "description": "The number of the incident, from 1",
        "schema": { "type": "integer", "minimum": 1 }
    }]);
    one["responses"]["404"] = problem(&mut generator, "There is no such incident");
    path("/api/v1/incidents/{number}", one);
    path("/api/v1/openapi.json", plain("This document", "application/json"));
    path(
        "/events",
        plain("What changes on the page, as server-sent events; for the page itself, and not a stable format", "text/event-stream"),
    );
    path("/metrics", plain("Metrics for Prometheus (OpenMetrics 1.0)", super::metrics::CONTENT_TYPE));
    let mut health = plain("The watch is alive: the stream is heard, and the pipeline goes on", "text/plain");
    health["security"] = json!([]);
    health["responses"]["503"] = json!({ "description": "It is not; why, in words", "content": { "text/plain": {} } });
    path("/healthz", health);
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Faultline",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The state of a running `faultline watch`. Everything can be read, and nothing changed."
        },
        "paths": paths,
        "security": [{ "token": [] }, {}],
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "Asked for where the dashboard has a token; without one it answers on loopback only."
            } }
        }
    })
}

fn of_json<T: JsonSchema>(generator: &mut SchemaGenerator, what: &str) -> Value {
    let schema = generator.subschema_for::<T>();
    let refused = problem(generator, "The token is not shown");
    json!({
        "summary": what,
        "responses": {
            "200": { "description": what, "content": { "application/json": { "schema": schema } } },
            "401": refused
        }
    })
}

fn problem(generator: &mut SchemaGenerator, what: &str) -> Value {
    let schema = generator.subschema_for::<Problem>();
    json!({ "description": what, "content": { "application/json": { "schema": schema } } })
}

fn plain(what: &str, kind: &str) -> Value {
    json!({ "summary": what, "responses": { "200": { "description": what, "content": { kind: {} } } } })
}
