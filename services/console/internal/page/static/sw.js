// The service worker: the console's files from the cache, the pages from the server, and where the
// server is not to be reached, a page as it was last known and marked as such. It also shows what is
// pushed to this device. The server writes "shell" before this text: the files, their version, the
// security policy.
"use strict";
importScripts(shell.words, shell.vault);
const { say } = self.words;
const cached = "handoff-" + shell.version;

self.addEventListener("install", (e) => e.waitUntil((async () => {
	const cache = await caches.open(cached);
	await cache.addAll(shell.files.map((file) => new Request(file, { cache: "reload" })));
	await self.skipWaiting();
})()));
self.addEventListener("activate", (e) => e.waitUntil((async () => {
	for (const name of await caches.keys()) if (name.startsWith("handoff-") && name !== cached) await caches.delete(name);
	await self.clients.claim();
})()));

self.addEventListener("fetch", (e) => {
	const url = new URL(e.request.url);
	if (url.origin !== self.location.origin || e.request.method !== "GET") return;
	if (url.pathname.startsWith("/static/") || url.pathname.startsWith("/offline")) e.respondWith(file(e.request));
	else if (e.request.mode === "navigate") e.respondWith(page(e.request, url));
});

// file answers from the cache: an address that names its content never changes.
async function file(request) {
	return await caches.match(request) ?? await fetch(request).catch(async (err) => {
		const older = await caches.match(request, { ignoreSearch: true }); // asked for by a page from before an update
		if (older) return older;
		throw err;
	});
}

const patience = 6000;

async function page(request, url) {
	await settle();
	const answer = fetch(request).catch(() => null);
	let found = await Promise.race([answer, new Promise((late) => setTimeout(late, patience))]);
	if (found === undefined) found = await known(url) ?? await answer; // slow: what is known is better than nothing
	if (!found) return await known(url) ?? await caches.match("/offline") ?? Response.error();
	if (url.pathname === "/login" && found.ok) await vault.wipe(); // whoever has to sign in holds nothing
	return found;
}

// settle tells the server of a sign-out that happened without a connection.
async function settle() {
	try {
		if (!await vault.owed()) return;
		await fetch("/logout", { method: "POST", body: new URLSearchParams({ why: "idle" }), redirect: "manual" });
		await vault.paid();
	} catch { /* not connected yet: the next page tries again */ }
}

// known is a page as this device last knew it, or null.
async function known(url) {
	try {
		const kept = await vault.get("page", url.pathname + url.search);
		if (!kept) return null;
		return new Response(kept.html.replace("<html ", `<html data-known="${Number(kept.at)}" `), { headers: {
			"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": shell.policy, "Cache-Control": "no-store",
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		} });
	} catch {
		return null; // this device cannot hold anything
	}
}

// ---- what is pushed: that something is urgent, and where to look. Nothing about anybody. ---------------
const inside = (path) => {
	const url = new URL(path ?? "/alerts", self.location.origin);
	return url.origin === self.location.origin ? url.href : self.location.origin + "/alerts";
};
self.addEventListener("push", (e) => e.waitUntil((async () => {
	let said = {};
	try { said = e.data.json(); } catch { /* shown all the same: a push without a word is still one */ }
	await self.registration.showNotification(said.title ?? say("Something needs your attention"), {
		body: said.body ?? "", tag: said.id ?? "handoff", renotify: said.again === true, icon: shell.icon, badge: shell.badge,
		requireInteraction: said.again === true, data: { url: inside(said.url) },
	});
})()));
self.addEventListener("notificationclick", (e) => {
	e.notification.close();
	e.waitUntil(show(inside(e.notification.data?.url)));
});
async function show(url) {
	const open = (await self.clients.matchAll({ type: "window", includeUncontrolled: true }))[0];
	if (!open) return void await self.clients.openWindow(url);
	await open.focus().catch(() => {}); // may be refused; the page still goes there
	await open.navigate(url).catch(() => self.clients.openWindow(url));
}
self.addEventListener("pushsubscriptionchange", (e) => e.waitUntil((async () => {
	const now = e.newSubscription ?? await self.registration.pushManager.subscribe(e.oldSubscription.options);
	await fetch("/phone/subscribe", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(now) });
})()));
