// BGPalerter on the replay: its connector asks, its visibility monitor hears of the rebuilt outage of 2021, and must alert.
//
//     BGPALERTER=FOLDER node tests/clients/bgpalerter.mjs PROGRAM PACKAGES
//
// PROGRAM: faultline. PACKAGES: the folder in which the packages of tests/clients/package.json are installed. FOLDER: BGPalerter's source
// (github.com/nttgin/BGPalerter; it is in no npm registry, and one of its dependencies is not either, so the whole program cannot be installed from there).
// Of it the connector to RIS Live and the visibility monitor are taken as they are; what this file stands in for is its list of
// prefixes and its log. Ends within two minutes; exit status 0: every check passed, or it was skipped, which the output says.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [program, packages] = process.argv.slice(2).map((path) => resolve(path));
const source = process.env.BGPALERTER && resolve(process.env.BGPALERTER);

// Of the outage: the name servers' prefixes, withdrawn by everybody; and one which stayed.
const WITHDRAWN = ["129.134.30.0/24", "129.134.31.0/24", "185.89.218.0/24", "185.89.219.0/24"];
const STAYED = "129.134.0.0/17";
const ORIGIN = 32934;
// The monitor's own rule: an alert needs so many peers.
const PEERS = 40;
const PATIENCE = 110_000;

if (!source || !existsSync(join(source, "src/connectors/connectorRIS.js"))) {
    console.log("SKIPPED: BGPalerter reads the replay: its source is not here; set BGPALERTER to a checkout of github.com/nttgin/BGPalerter");
    process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "faultline-bgpalerter-"));
const started = [];
let [frames, statements] = [0, 0];
const deadline = setTimeout(() => end(1, `not over after ${PATIENCE / 1000} s, ${frames} frames`), PATIENCE);

function end(status, words) {
    clearTimeout(deadline);
    started.forEach((child) => child.kill());
    rmSync(folder, { recursive: true, force: true });
    console.log(words);
    process.exit(status);
}

// The parts of BGPalerter, in one file with what they import.
async function parts() {
    const require = createRequire(join(packages, "package.json"));
    const { build } = require("esbuild");
    const entry = [
        'export { default as Connector } from "./connectors/connectorRIS";',
        'export { default as Monitor } from "./monitors/monitorVisibility";',
        'export { default as PubSub } from "./utils/pubSub";',
        'export { AS } from "./model";',
    ].join("\n");
    const outfile = join(folder, "bgpalerter.cjs");
    await build({
        stdin: { contents: entry, resolveDir: join(source, "src") },
        bundle: true,
        platform: "node",
        nodePaths: [join(packages, "node_modules")],
        outfile,
        logLevel: "error",
    });
    return (await import(pathToFileURL(outfile))).default;
}

// The replay of the outage, as fast as it goes; gives its address. It begins when somebody subscribes.
async function replay() {
    const drill = join(folder, "drill");
    execFileSync(program, ["drill", "data/meta-2021-10-04/timeline.toml", "--out", drill], { stdio: "ignore" });
    // The hour of the withdrawals.
    const hour = join(drill, "mrt/**/updates.20211004.15*");
    const server = spawn(program, ["replay", hour, "--listen", "127.0.0.1:0", "--speed", "max"], { stdio: ["ignore", "ignore", "pipe"] });
    started.push(server);
    for await (const line of createInterface({ input: server.stderr })) {
        const address = line.split(/\s+/).find((word) => word.startsWith("ws://"));
        if (address) return address.replace(/;$/, "");
    }
    throw new Error("the replay does not listen");
}

// What its prefixes.yml would say.
function input({ AS }) {
    const rules = [...WITHDRAWN, STAYED].map((prefix) => ({
        prefix,
        asn: new AS(ORIGIN),
        description: "name servers",
        ignore: false,
        ignoreMorespecifics: false,
        includeMonitors: [],
        excludeMonitors: [],
        group: ["default"],
    }));
    const matches = (prefix) => rules.filter((rule) => rule.prefix === prefix);
    return {
        onChange: () => {},
        getMonitoredPrefixes: () => rules,
        getMonitoredLessSpecifics: () => rules.filter((rule) => rule.prefix === STAYED || rule.prefix.startsWith("185.")),
        getMonitoredASns: () => [{ asn: new AS(ORIGIN) }],
        getMoreSpecificMatch: (prefix) => matches(prefix)[0] ?? null,
        getMoreSpecificMatches: matches,
    };
}

const bgpalerter = await parts();
const log = [];
const env = {
    version: "0",
    clientId: "bgpalerter",
    instanceId: "faultline",
    config: { environment: "production", alertOnlyOnce: true, fadeOffSeconds: 360, checkFadeOffGroupsSeconds: 30 },
    logger: { log: ({ level, message }) => log.push(`${level}: ${message}`) },
    pubSub: new bgpalerter.PubSub(),
    input: input(bgpalerter),
};
const alerts = [];
env.pubSub.subscribe("visibility", (alert) => alerts.push(alert));
const monitor = new bgpalerter.Monitor("withdrawal-detection", "visibility", { thresholdMinPeers: PEERS }, env, env.input);
// As in its config.yml.
const params = {
    carefulSubscription: true,
    url: await replay(),
    perMessageDeflate: true,
    subscription: { moreSpecific: true, type: "UPDATE", host: null, socketOptions: { includeRaw: false } },
};
const connector = new bgpalerter.Connector("ris", params, env);
const errors = [];
connector.onError((error) => errors.push(String(error)));
connector.onMessage((message) => {
    frames += 1;
    try {
        const told = bgpalerter.Connector.transform(message) ?? [];
        statements += told.length;
        told.filter(monitor.filter).forEach((statement) => monitor.monitor(statement));
    } catch (error) {
        errors.push(error.message);
    }
});
connector.onDisconnect(() => setTimeout(check, 0));
await connector.connect();
await connector.subscribe(env.input);

function check() {
    const problems = [...errors];
    alerts.forEach((alert) => console.log(`BGPalerter: ${alert.message}`));
    for (const prefix of WITHDRAWN) {
        const of = alerts.filter((alert) => alert.id === prefix);
        const peers = new Set(of[0]?.data.map(({ matchedMessage }) => matchedMessage.peer)).size;
        if (of.length !== 1 || peers < PEERS) problems.push(`${prefix}: ${of.length} alerts, ${peers} peers`);
        // Its own times are those of the messages: 4 October 2021, from 15:39 on.
        const at = new Date(of[0]?.earliest ?? 0).toISOString();
        if (!at.startsWith("2021-10-04T15:")) problems.push(`${prefix}: at ${at}`);
    }
    if (alerts.some((alert) => alert.id === STAYED)) problems.push(`${STAYED} was not withdrawn`);
    problems.forEach((problem) => console.log(`FAILED: ${problem}`));
    log.forEach((line) => console.log(`its log: ${line}`));
    const passed = problems.length ? 0 : 1;
    end(1 - passed, `${frames} frames, ${statements} statements, ${alerts.length} alerts of BGPalerter\n${passed} passed, ${problems.length} failed`);
}
