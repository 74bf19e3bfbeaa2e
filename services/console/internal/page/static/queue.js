// What a person does goes out in the order it was done, each under a key of its own: where the
// connection fails, it waits - sealed in the vault - and is sent again under the same key, so that it
// has one effect however often it is sent. Loaded before htmx.
"use strict";
self.queue = (() => {
	const $ = (selector, from = document) => from?.querySelector(selector);
	const patience = 10e3, dialogs = 6e3;
	const { say } = self.words;
	const works = /^\/episodes\/([^/]+)\/tasks\/([^/]+)\/(claim|release|complete|attempt|snooze|reopen|assign)$/;
	const alerts = /^\/alerts\/([^/]+)\/(acknowledge|resolve)$/;
	const many = /^\/bulk\/(claim|release|snooze|assign)$/;
	const forms = /^\/episodes\/([^/]+)\/tasks\/([^/]+)\/(done|snooze)$/;
	const words = {
		claim: say("Claim"), release: say("Give back"), complete: say("Done"), attempt: say("Tried"), snooze: say("Put off"), reopen: say("Open again"),
		assign: say("Hand over"), acknowledge: say("I’ll see to it"), resolve: say("Settled"), undo: say("Undo"),
	};
	const takesBack = ["claim", "release", "complete", "snooze", "assign"];

	let list = []; // oldest first
	let again = 0, timer = 0;

	// ---- what is asked ----------------------------------------------------------------------------
	function read(path) {
		let m = works.exec(path);
		if (m) return { does: m[3], row: "t-" + m[2], task: m[2] };
		m = alerts.exec(path);
		if (m) return { does: m[2], row: "a-" + m[1] };
		m = many.exec(path);
		if (m) return { does: m[1], row: "" };
		return path === "/undo" ? { does: "undo", row: "" } : null;
	}
	const title = (row) => $("h2", document.getElementById(row))?.textContent ?? $("#sheet-title")?.textContent ?? "";

	// press sends what was pressed, or puts it where it waits. It answers as the server does.
	async function press(action, request) {
		const url = new URL(action, location.href), asked = read(url.pathname), body = new URLSearchParams(request.body ?? "");
		const entry = { ...asked, path: url.pathname + url.search, key: crypto.randomUUID(), at: new Date().toISOString(), tries: 0, told: title(asked.row) };
		if (asked.does === "undo") {
			const last = undone(body.get("turn"));
			if (last && !last.tries) return forget(last); // it never went out
			if (last) Object.assign(entry, { row: last.row, told: last.told }), body.set("turn", last.key);
		}
		entry.body = body.toString();
		list.push(entry);
		await keep(entry);
		return new Promise((answer) => { entry.answer = answer; drain(); });
	}
	// undone is what a person takes back that has not been answered yet.
	function undone(turn) {
		return list.findLast((e) => (turn ? e.key === turn : true) && takesBack.includes(e.does) && !e.answer);
	}
	async function forget(entry) {
		list = list.filter((e) => e !== entry);
		await away(entry);
		mark();
		return reply(note(say("Taken back before it was sent: %s.", what(entry)), entry));
	}

	// ---- sending ------------------------------------------------------------------------------------
	const name = (e) => e.at + " " + e.key;
	const keep = (e) => vault.put("queue", name(e), { ...e, answer: undefined }).catch(() => {});
	const away = (e) => vault.drop("queue", name(e)).catch(() => {});
	const alone = (act) => navigator.locks ? navigator.locks.request("handoff-queue", act) : act();

	let draining = null;
	function drain() {
		clearTimeout(timer);
		draining ??= alone(send).catch(() => {}).finally(() => {
			draining = null;
			for (const e of list) if (e.answer) { e.answer(waiting(e)); delete e.answer; }
			mark();
			if (list.length) {
				timer = setTimeout(drain, Math.min(30e3, 1000 * 2 ** Math.min(again, 5)));
				document.dispatchEvent(new CustomEvent("handoff:lost"));
			}
		});
		return draining;
	}
	async function send() {
		while (list.length) {
			const entry = list[0];
			if (entry.loaded && !(await vault.names("queue")).includes(name(entry))) { list.shift(); continue; } // another window has sent it
			const got = await once(entry);
			if (!got) { again++; return; }
			again = 0;
			list.shift();
			await away(entry);
			if (got.status === 401) { list.unshift(entry); document.dispatchEvent(new CustomEvent("signed-out")); return; }
			if (got.status < 300) await follow(entry, got.text);
			if (entry.answer) entry.answer(reply(got.text, got.status));
			else await show(got.text);
			mark();
		}
	}
	// once sends an entry and returns its answer; null where none came, so that nobody knows.
	async function once(entry) {
		entry.tries++;
		try {
			const answer = await fetch(entry.path, {
				method: "POST", body: new URLSearchParams(entry.body), signal: AbortSignal.timeout(patience),
				headers: { "HX-Request": "true", "Idempotency-Key": entry.key, "X-Pressed-At": entry.at },
			});
			const text = await answer.text();
			const passing = answer.status === 502 || answer.status === 504 || answer.status >= 500 && !entry.answer && entry.tries < 6;
			return passing ? null : { status: answer.status, text };
		} catch {
			return null;
		}
	}
	// follow lets what was done to the same task afterwards go out with the version it has now.
	async function follow(entry, text) {
		if (!entry.task) return;
		const made = document.createElement("template");
		made.innerHTML = text;
		const row = [...made.content.querySelectorAll("hx-partial")].map((p) => $(`#${CSS.escape(entry.row)}`, p.content ?? p)).find(Boolean);
		for (const later of list.filter((e) => e.task === entry.task && row)) {
			const body = new URLSearchParams(later.body);
			if (!body.has("version") || later.tries) continue;
			body.set("version", row.dataset.version);
			later.body = body.toString();
			await keep(later);
		}
	}
	const show = (text) => htmx.swap({ sourceElement: document.body, swap: "none", text });

	// ---- what is said -----------------------------------------------------------------------------------
	const safe = (text) => Object.assign(document.createElement("i"), { textContent: text }).innerHTML.replaceAll('"', "&quot;");
	const what = (e) => (e.told ? `${words[e.does]}, ${e.told}` : words[e.does]);
	const reply = (html, status = 200) => new Response(status === 204 ? null : html, { status, headers: { "Content-Type": "text/html; charset=utf-8" } });
	function note(text, entry, undo = false) {
		const back = undo ? `<form method="post" action="/undo" hx-post="/undo" hx-swap="none"><input type="hidden" name="turn" value="${entry.key}"><button class="undo">${safe(say("Undo"))}</button></form>` : "";
		return `<hx-partial hx-target="#toasts" hx-swap="beforeend"><div class="toast" data-for="${safe(entry.row || entry.key)}"><p>${safe(text)}</p>${back}<button type="button" class="quiet dismiss" aria-label="${safe(say("Dismiss"))}">×</button></div></hx-partial>`;
	}
	const waiting = (e) => reply(note(say("Waiting to be sent: %s. It is sent automatically when the connection is back.", what(e)), e, takesBack.includes(e.does)), 202);

	// mark shows on rows what waits for them.
	function mark() {
		for (const old of document.querySelectorAll(".waiting")) old.remove();
		for (const e of list) {
			if (e.answer) continue;
			const tags = $(".tags", document.getElementById(e.row));
			if (!tags) continue;
			const tag = document.createElement("span");
			Object.assign(tag, { className: "tag waiting", textContent: say("Waiting to be sent: %s", words[e.does]) });
			tags.append(tag);
		}
		document.dispatchEvent(new CustomEvent("handoff:queue", { detail: { waiting: count() } }));
	}
	const count = () => list.filter((e) => !e.answer).length;

	// load takes up what an earlier page left.
	async function load() {
		const names = (await vault.names("queue").catch(() => [])).sort();
		const found = [];
		for (const one of names) found.push(await vault.get("queue", one).catch(() => null));
		for (const e of found) if (e) e.loaded = true;
		list = [...found.filter((e) => e && !list.some((mine) => mine.key === e.key)), ...list];
		mark();
		if (list.length) drain();
	}

	// ---- forms that open in a dialog: without a connection from what the device has ------------------------
	async function ask(action, request) {
		try {
			return await fetch(action, { ...request, signal: AbortSignal.timeout(dialogs) });
		} catch (err) {
			const made = await sheet(new URL(action, location.href).pathname).catch(() => null);
			if (!made) throw err;
			return reply(made);
		}
	}
	async function sheet(path) {
		const [, encounter, task, form] = forms.exec(path), row = document.getElementById("t-" + task);
		if (!row) return null;
		const all = document.createElement("template");
		all.innerHTML = await (await fetch("/offline/sheets")).text();
		const kind = form === "done" && row.hasAttribute("data-call") ? "call" : form;
		const none = ""; // the id of no task
		const made = $(`template[data-sheet="${kind}"]`, all.content), of = $(".sheet-of", made.content);
		if (form === "done" && of) of.textContent = $(".who", row)?.innerText ?? "";
		return made.innerHTML.replaceAll(`/episodes/${none}/tasks/${none}/`, `/episodes/${encounter}/tasks/${task}/`)
			.replaceAll('name="version" value="0"', `name="version" value="${Number(row.dataset.version)}"`).replaceAll("{task}", safe($("h2", row).textContent));
	}

	document.addEventListener("htmx:before:request", (e) => {
		const { ctx } = e.detail, path = new URL(ctx.request.action, location.href).pathname;
		if (ctx.request.method === "POST" && read(path)) ctx.fetch = press;
		else if (ctx.request.method === "GET" && forms.test(path)) ctx.fetch = ask;
	});
	document.addEventListener("htmx:after:swap", () => { if (list.length) mark(); });
	addEventListener("online", () => { if (list.length) drain(); });

	return { load, drain, count };
})();
