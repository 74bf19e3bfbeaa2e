// What this device holds between two pages: lists as they were last known, and what waits to be sent.
// All of it is sealed with a key that the browser does not give out, made for one session and thrown
// away with it: at sign-out, after 15 minutes without a person, at the session's end. The page and the
// service worker share this file.
"use strict";
self.vault = (() => {
	const idle = 15 * 60e3, most = 30;
	const can = Boolean(self.isSecureContext && self.indexedDB && self.crypto?.subtle);
	const stores = ["lock", "page", "queue", "device"];
	const bytes = new TextEncoder(), text = new TextDecoder();

	let opened = null;
	function open() {
		opened ??= new Promise((ok, no) => {
			const ask = indexedDB.open("handoff", 1);
			ask.onupgradeneeded = () => { for (const name of stores) ask.result.createObjectStore(name); };
			ask.onerror = () => { opened = null; no(ask.error); };
			ask.onsuccess = () => {
				ask.result.onversionchange = () => { ask.result.close(); opened = null; };
				ask.result.onclose = () => { opened = null; };
				ok(ask.result);
			};
		});
		return opened;
	}
	// within runs act in one transaction and returns what its last request found.
	async function within(names, mode, act) {
		if (!can) return undefined;
		const db = await open();
		return new Promise((ok, no) => {
			const t = db.transaction(names, mode);
			const found = act((name) => t.objectStore(name), t);
			t.oncomplete = () => ok(found?.result);
			t.onerror = t.onabort = () => no(t.error);
		});
	}
	const held = () => within("lock", "readonly", (of) => of("lock").get("session"));

	// begin opens the vault for a session; what another session left is thrown away.
	async function begin(id, until) {
		if (!can) return;
		const now = await held();
		if (now?.id === id) return void await touch();
		const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
		await wipe();
		await within("lock", "readwrite", (of) => of("lock").put({ id, key, until, seen: Date.now() }, "session"));
	}
	// alive is the session that holds the vault; whose time is over finds it empty.
	async function alive() {
		const now = Date.now(), lock = await held();
		if (!lock) return null;
		if (now - lock.seen < idle && now < lock.until && now > lock.seen - 60e3) return lock;
		await wipe();
		await owe(lock.id);
		return null;
	}
	// touch says that a person is there.
	function touch() {
		return within("lock", "readwrite", (of) => {
			const ask = of("lock").get("session");
			ask.onsuccess = () => { if (ask.result) of("lock").put({ ...ask.result, seen: Date.now() }, "session"); };
		});
	}
	// put seals a value. It is not written where the session ended while it was being sealed.
	async function put(store, name, value) {
		const lock = await alive();
		if (!lock) return false;
		const iv = crypto.getRandomValues(new Uint8Array(12));
		const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bytes.encode(store + "\n" + name) }, lock.key, bytes.encode(JSON.stringify(value)));
		await within(["lock", store], "readwrite", (of) => {
			const ask = of("lock").get("session");
			ask.onsuccess = () => { if (ask.result?.id === lock.id) of(store).put({ iv, data, at: Date.now() }, name); };
		});
		return true;
	}
	async function get(store, name) {
		const lock = await alive(), sealed = lock && await within(store, "readonly", (of) => of(store).get(name));
		if (!sealed) return null;
		try {
			const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv, additionalData: bytes.encode(store + "\n" + name) }, lock.key, sealed.data);
			return JSON.parse(text.decode(plain));
		} catch {
			return null; // of another session
		}
	}
	const names = async (store) => (await within(store, "readonly", (of) => of(store).getAllKeys())) ?? [];
	const drop = (store, name) => within(store, "readwrite", (of) => of(store).delete(name));
	// wipe throws away the key and all that it sealed.
	const wipe = () => within(["lock", "page", "queue"], "readwrite", (of) => { for (const name of ["lock", "page", "queue"]) of(name).clear(); });

	// prune keeps the pages opened last.
	async function prune() {
		await within("page", "readwrite", (of) => {
			const all = of("page").getAll(), keys = of("page").getAllKeys();
			keys.onsuccess = () => {
				const old = keys.result.map((name, i) => [all.result[i].at, name]).sort((a, b) => b[0] - a[0]).slice(most);
				for (const [, name] of old) of("page").delete(name);
			};
		});
	}

	// A sign-out that the server could not be told of yet: no more than that it is owed.
	const owe = (id) => within("device", "readwrite", (of) => of("device").put(id, "sign-out"));
	const owed = () => within("device", "readonly", (of) => of("device").get("sign-out"));
	const paid = () => drop("device", "sign-out");

	return { can, idle, begin, alive, touch, put, get, names, drop, wipe, prune, owe, owed, paid };
})();
