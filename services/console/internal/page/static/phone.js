// Being told on this phone: asked for by a press, and given up at sign-out. Loaded after offline.js.
"use strict";
self.phone = (() => {
	const $ = (selector) => document.querySelector(selector);
	const can = "serviceWorker" in navigator && "PushManager" in self && "Notification" in self;
	const post = (path, value) => fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
	const subscription = async () => (can ? (await navigator.serviceWorker.getRegistration())?.pushManager.getSubscription() : null) ?? null;

	// start asks the person, then the browser's push service, then tells the server.
	async function start() {
		if (await Notification.requestPermission() !== "granted") return "denied";
		const { key } = await (await fetch("/phone/key")).json();
		const worker = await navigator.serviceWorker.ready;
		const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
		const answer = await post("/phone/subscribe", made.toJSON());
		if (answer.ok) return "on";
		await made.unsubscribe();
		return "failed";
	}
	async function stop() {
		const made = await subscription();
		if (!made) return;
		await post("/phone/forget", { endpoint: made.endpoint }).catch(() => {}); // the push service tells the server later
		await made.unsubscribe().catch(() => {});
	}
	// renew goes on with what the same person asked for before; what somebody else asked for ends.
	async function renew() {
		const made = await subscription(), session = document.body.dataset.session;
		if (!made || !session || sessionStorage.getItem("told") === session) return;
		const answer = await post("/phone/renew", { endpoint: made.endpoint });
		if (answer.status === 404) await made.unsubscribe();
		if (answer.ok || answer.status === 404) sessionStorage.setItem("told", session);
	}

	// ---- the page "This phone" ------------------------------------------------------------------------
	async function show(state) {
		const button = $("#tell");
		if (!button) return;
		state ??= !can ? "never" : await subscription() ? "on" : Notification.permission === "denied" ? "denied" : "off";
		button.setAttribute("aria-checked", String(state === "on"));
		button.disabled = state === "busy" || state === "never";
		$("#tell-says").textContent = $("#tell-says").dataset[state];
	}
	document.addEventListener("click", async (e) => {
		if (!e.target.closest?.("#tell")) return;
		const on = $("#tell").getAttribute("aria-checked") === "true";
		await show("busy");
		try {
			if (on) { await stop(); await show(); } else await show(await start());
		} catch {
			await show("failed");
		}
	});
	document.addEventListener("DOMContentLoaded", () => { show().catch(() => {}); });
	self.away?.ready.then(() => (document.body.hasAttribute("data-signed-in") ? renew() : null)).catch(() => {});

	return { stop };
})();
