// A page with a connection that comes and goes: it is kept as it was last known, says since when, and
// leaves nothing behind when its person leaves. Loaded after vault.js and queue.js, before htmx.
"use strict";
self.away = (() => {
	const $ = (selector, from = document) => from?.querySelector(selector);
	const html = document.documentElement, body = document.body;
	const signedIn = body.hasAttribute("data-signed-in");
	const each = 5000; // a page is kept this often at most
	const tabs = self.BroadcastChannel ? new BroadcastChannel("handoff") : null;
	const { say, sayN, near } = self.words;

	let known = Number(html.dataset.known) || Date.now(); // when the server last said how things are
	let connected = !html.dataset.known, gone = false, kept = 0, soon = 0, waiting = 0;
	let streams = false, probing = null;

	// ---- what the page says of itself ---------------------------------------------------------------
	function tell() {
		const el = $("#known");
		if (!el) return;
		const parts = connected ? [] : [say("Not connected. This is how things were %s.", near(known))];
		if (waiting && connected) parts.push(sayN(waiting, "Sending %d thing…", "Sending %d things…"));
		else if (waiting) parts.push(sayN(waiting, "%d thing is waiting to be sent.", "%d things are waiting to be sent."));
		else if (!connected) parts.push(say("What you do now is sent when the connection is back."));
		const text = parts.join(" ");
		if (el.textContent !== text) el.textContent = text;
		el.hidden = !text;
		html.toggleAttribute("data-away", !connected);
	}
	function heard() {
		streams = true;
		known = Date.now();
		if (!connected) { connected = true; tell(); self.queue?.drain(); }
		keepSoon();
	}
	function lost() {
		if (gone || !signedIn) return;
		if (connected) { connected = false; tell(); }
		probing ??= setTimeout(probe, 3000);
	}
	// revive opens the page's stream at once, which brings what has changed; by itself it would wait longer
	// after each failure.
	function revive() {
		const old = $("#stream");
		if (!old) return;
		const fresh = old.cloneNode(false);
		fresh.removeAttribute("data-htmx-powered");
		old.replaceWith(fresh);
		htmx.process(fresh);
	}
	// probe finds out whether the stream was all right and something else failed.
	async function probe() {
		probing = null;
		if (connected || gone) return;
		try {
			await fetch("/manifest.webmanifest", { cache: "no-store", signal: AbortSignal.timeout(5000) });
			if (!streams) { revive(); probing ??= setTimeout(probe, 8000); return; }
			connected = true;
			tell();
			document.dispatchEvent(new CustomEvent("handoff:back"));
			self.queue?.drain();
		} catch {
			probing ??= setTimeout(probe, 5000);
		}
	}

	// ---- keeping the page ------------------------------------------------------------------------------
	function keepSoon() {
		if (soon || !signedIn) return;
		soon = setTimeout(() => { soon = 0; (self.requestIdleCallback ?? setTimeout)(() => keep().catch(() => {})); }, Math.max(300, kept + each - Date.now()));
	}
	async function keep() {
		if (gone || !signedIn || !$("#stream") || html.dataset.known && !connected) return;
		kept = Date.now();
		const copy = html.cloneNode(true);
		copy.removeAttribute("data-known");
		copy.removeAttribute("data-away");
		for (const el of copy.querySelectorAll("[data-htmx-powered]")) el.removeAttribute("data-htmx-powered");
		for (const el of copy.querySelectorAll(".toast, .waiting, #sheet-body > *")) el.remove();
		for (const el of copy.querySelectorAll("dialog[open]")) el.removeAttribute("open");
		const note = $("#known", copy);
		if (note) { note.hidden = true; note.textContent = ""; }
		await vault.put("page", location.pathname + location.search, { html: "<!DOCTYPE html>" + copy.outerHTML, at: known, title: $("h1")?.textContent ?? "" });
		await vault.prune();
	}

	// ---- leaving ------------------------------------------------------------------------------------------
	// leave signs out: first here, at once; then the server is told, now or when it can be reached.
	async function leave(why) {
		if (gone) return;
		gone = true;
		html.toggleAttribute("data-gone", true); // nothing is to be seen from here on
		const unsent = waiting;
		await vault.wipe().catch(() => {});
		tabs?.postMessage("gone");
		if (why === "bye") await self.phone?.stop().catch(() => {});
		try {
			await fetch("/logout", { method: "POST", body: new URLSearchParams({ why }), redirect: "manual", signal: AbortSignal.timeout(5000) });
		} catch {
			await vault.owe(body.dataset.session).catch(() => {});
		}
		location.replace("/login?why=" + why + (unsent ? "&unsent=" + unsent : ""));
	}
	tabs?.addEventListener("message", () => {
		if (!signedIn || gone) return;
		gone = true;
		html.toggleAttribute("data-gone", true);
		location.replace("/login?why=bye");
	});
	document.addEventListener("submit", (e) => {
		if (e.target.getAttribute("action") !== "/logout" || !vault.can) return;
		e.preventDefault();
		if (waiting && !e.target.matches("#unsent *")) {
			$("#unsent-count").textContent = sayN(waiting, "%d thing:", "%d things:");
			$("#unsent").showModal();
		} else leave("bye");
	});

	// ---- a page that stands for one that is not known here -------------------------------------------------
	async function stand() {
		const q = new URLSearchParams(location.search), alive = await vault.alive().catch(() => null);
		if (q.get("unsent")) $("#unsent-note").hidden = false;
		if (q.get("why") === "idle") $("#idle-note").hidden = false;
		$("#signed-out").hidden = Boolean(alive);
		$("#still-known").hidden = !alive;
		if (!alive) return;
		for (const name of await vault.names("page")) {
			const page = await vault.get("page", name);
			if (!page) continue;
			const item = document.createElement("li"), link = document.createElement("a");
			Object.assign(link, { href: name, textContent: page.title || name, className: "button" });
			item.append(link, " " + say("as it was %s", near(page.at)));
			$("#known-pages").append(item);
		}
	}

	async function begin() {
		if (html.hasAttribute("data-stand")) return void await stand();
		if (!signedIn) return void await vault.wipe();
		const owed = await vault.owed();
		if (owed) await vault.paid();
		if (owed && owed === body.dataset.session) return void leave("idle");
		if (html.dataset.known) {
			if (!await vault.alive()) return void leave("idle");
			await vault.touch();
			tell();
		} else if (body.dataset.session) {
			await vault.begin(body.dataset.session, Number(body.dataset.until));
			keepSoon();
		}
		await self.queue?.load();
	}

	document.addEventListener("htmx:sse:after:connection", (e) => { if (e.detail.connection.status === 200) heard(); });
	document.addEventListener("htmx:sse:after:message", heard);
	for (const kind of ["htmx:sse:error", "htmx:sse:close"]) {
		document.addEventListener(kind, (e) => { if (e.detail.reason !== "cleanup") { streams = false; lost(); } }); // cleanup: another takes its place
	}
	for (const kind of ["htmx:error", "handoff:lost"]) document.addEventListener(kind, lost);
	document.addEventListener("handoff:queue", (e) => { waiting = e.detail.waiting; tell(); });
	addEventListener("offline", lost);
	addEventListener("pagehide", () => { keep().catch(() => {}); });
	addEventListener("pageshow", (e) => { if (e.persisted && signedIn) location.reload(); });
	let told = 0;
	for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
		addEventListener(kind, () => {
			if (!signedIn || gone || Date.now() - told < 10e3) return;
			told = Date.now();
			vault.touch().catch(() => {});
		}, { passive: true });
	}
	addEventListener("load", () => { navigator.serviceWorker?.register("/sw.js").catch(() => {}); });
	const ready = begin().catch(() => {});

	return { leave, ready };
})();
