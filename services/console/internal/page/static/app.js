// What the pages need beyond htmx: running times, the dialog, the passing notes, the live light, the
// automatic sign-out, a few keys. Loaded before htmx, which starts when the document is ready.
"use strict";
(() => {
	const $ = (selector, from = document) => from?.querySelector(selector);
	const all = (selector, from = document) => from.querySelectorAll(selector);
	const { say, sayN, near, locale } = self.words;

	// ---- times: the same words as board.Countdown and board.Ago -------------------------------
	function span(ms) {
		const minutes = Math.floor(ms / 60000);
		if (minutes < 1) return say("less than a minute");
		if (minutes < 60) return sayN(minutes, "%d minute", "%d minutes");
		if (minutes < 360 && minutes % 60) return say("%d h %d min", Math.floor(minutes / 60), minutes % 60);
		if (minutes < 48 * 60) return sayN(Math.floor(minutes / 60), "%d hour", "%d hours");
		return sayN(Math.floor(minutes / 1440), "%d day", "%d days");
	}
	function tone(left) {
		if (left <= 0) return "overdue";
		if (left <= 4 * 3600e3) return "soon";
		return left <= 24 * 3600e3 ? "today" : "later";
	}
	const day = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
	const write = (el, text) => { if (el.textContent !== text) el.textContent = text; };
	function times(from = document) {
		const now = Date.now();
		for (const el of all("time[data-show]", from)) {
			const at = Date.parse(el.dateTime), left = at - now;
			switch (el.dataset.show) {
			case "due": {
				write(el, left <= 0 ? say("Overdue by %s", span(-left)) : say("Due in %s", span(left)));
				const row = el.closest(".row");
				if (row && row.dataset.tone !== tone(left)) row.dataset.tone = tone(left);
				break;
			}
			case "ago":
				write(el, now - at < 60000 ? say("just now") : say("%s ago", span(now - at)));
				break;
			case "when":
				write(el, near(at, now));
				break;
			default:
				write(el, day.format(at));
			}
		}
	}

	// ---- after anything new is on the page ------------------------------------------------------
	function arranged() {
		times();
		for (const toast of all(".toast:not([data-timed])")) {
			toast.dataset.timed = "";
			setTimeout(() => toast.remove(), $(".undo", toast) ? 60000 : 12000);
		}
		const newest = new Map();
		for (const toast of all('.toast:not([data-for=""])')) { // an older note's undo is no longer the way back
			newest.get(toast.dataset.for)?.remove();
			newest.set(toast.dataset.for, toast);
		}
		while (all(".toast").length > 3) $(".toast").remove();
		draw();
	}

	// ---- the dialog opens when something was put into it, and only then: a push that arrives while it
	// closes must not open it again, empty ------------------------------------------------------------
	let filled = false;
	document.addEventListener("htmx:after:settle", (e) => { if (e.target.id === "sheet-body") filled = true; });
	document.addEventListener("htmx:after:swap", () => {
		arranged();
		if (filled && $("#sheet-body").firstElementChild && !$("#sheet").open) $("#sheet").showModal();
		filled = false;
	});
	function shut() {
		$("#sheet").close();
		$("#sheet-body").replaceChildren(); // at once: the close event comes later, and something may come before it
	}

	const inserts = ["afterbegin", "beforeend", "afterend", "beforebegin"];

	// ---- no row goes back in time: an answer to a click may overtake a push that was under way ----------
	document.addEventListener("htmx:before:swap", (e) => {
		for (const task of e.detail.tasks) {
			for (const row of task.fragment?.querySelectorAll?.(".row[data-version]") ?? []) {
				const now = document.getElementById(row.id);
				if (!now) continue;
				if (Number(now.dataset.version) > Number(row.dataset.version)) row.replaceWith(now.cloneNode(true));
				if (inserts.includes(task.swapSpec?.style ?? task.swapSpec)) now.remove(); // "Show more" had brought it already
			}
		}
	});

	// A push may take the pressed button away while its answer is on the way; what the answer says is shown
	// all the same (htmx drops an answer whose target is gone).
	document.addEventListener("htmx:before:request", (e) => { if (e.detail.ctx.swap === "none") e.detail.ctx.target = document.body; });

	document.addEventListener("click", (e) => {
		if (e.target.closest(".dismiss")) e.target.closest(".toast").remove();
		if (e.target.id === "idle-stay") stay(true);
		if (e.target.id === "sheet") shut(); // the backdrop
	});
	document.addEventListener("close", (e) => { if (e.target.id === "sheet" && !e.target.open) $("#sheet-body").replaceChildren(); }, true);
	document.addEventListener("htmx:finally:request", (e) => {
		const { sourceElement: source, response } = e.detail.ctx ?? {};
		const form = source?.closest?.("[data-closes]");
		if (form && response && response.status < 500) shut();
		else if (form) failed(form); // what was written stays; it can be sent again
		source?.closest?.(".toast")?.remove();
	});
	function failed(form) {
		$(".failed", form)?.remove();
		const note = document.createElement("p");
		Object.assign(note, { className: "failed", textContent: say("This could not be saved just now. What you wrote is still here: please try again.") });
		note.setAttribute("role", "alert");
		form.prepend(note);
	}
	document.addEventListener("change", (e) => { const form = e.target.closest("form[data-auto]");
		if (!form) return;
		if (e.target.name === "facility") $("[name=unit]", form)?.setAttribute("disabled", ""); // a unit is one of its facility
		for (const field of all("select", form)) if (!field.value) field.disabled = true; // what is not chosen is not in the address
		form.requestSubmit();
	});

	// ---- the live light ------------------------------------------------------------------------
	function light(state, words) {
		const el = $("#live");
		if (!el || el.dataset.state === state) return;
		el.dataset.state = state;
		$(".words", el).textContent = words;
	}
	document.addEventListener("htmx:sse:after:connection", (e) => { if (e.detail.connection.status === 200) light("on", say("Live")); });
	document.addEventListener("htmx:sse:after:message", () => light("on", say("Live")));
	document.addEventListener("htmx:sse:error", () => light("lost", say("Connection lost, trying again")));
	document.addEventListener("htmx:sse:close", (e) => { if (e.detail.reason !== "cleanup") light("lost", say("Not live")); }); // cleanup: another takes its place
	document.addEventListener("handoff:back", () => light("on", say("Live")));
	document.addEventListener("signed-out", leave);
	document.addEventListener("htmx:error", () => light("lost", say("Connection lost, trying again")));

	// ---- automatic sign-out: 15 minutes without a person, a warning two minutes before --------------
	const idle = 15 * 60e3, warn = 2 * 60e3, touch = 60e3;
	let seen = Date.now(), told = Date.now();
	function stay(now) {
		seen = Date.now();
		if ($("#idle")?.open && !now) return;
		$("#idle")?.close();
		if (!now && seen - told < touch) return;
		told = seen;
		fetch("/session/keep", { method: "POST" }).then((r) => { if (r.redirected || r.status === 401) location.href = "/login?why=idle"; }, () => {});
	}
	function watch() {
		const left = seen + idle - Date.now();
		if (left <= 0) return void leave();
		if (left <= warn) {
			if (!$("#idle").open) $("#idle").showModal();
			$("#idle-left").textContent = span(left);
		}
	}
	function leave() { self.away.leave("idle"); }

	// ---- what is under the pointer, or has the cursor, stays where it is when rows come before it ---------
	let over = null, held = null;
	document.addEventListener("pointermove", (e) => { over = e.target.closest?.("#rows > .row"); }, { passive: true });
	document.addEventListener("htmx:before:swap", (e) => {
		const row = [over, here()].find((r) => r?.isConnected && r.matches(":hover, :focus-within"));
		held = row && e.detail.tasks.some((t) => inserts.includes(t.swapSpec?.style ?? t.swapSpec) || t.fragment?.querySelector?.(".row"))
			? { row, top: row.getBoundingClientRect().top } : null;
	});
	document.addEventListener("htmx:after:swap", () => {
		if (held?.row.isConnected) {
			const by = held.row.getBoundingClientRect().top - held.top;
			if (Math.abs(by) > 1) scrollBy({ top: by, behavior: "instant" });
		}
		held = null;
		resume();
	});

	// ---- selecting --------------------------------------------------------------------------------
	const picked = () => all("#rows .pick:checked");
	function select() {
		const bar = $("#bulk"), n = picked().length;
		if (!bar) return;
		bar.hidden = n === 0;
		write($("#chosen"), String(n));
		document.body.classList.toggle("selecting", n > 0);
	}
	function unselect() {
		for (const box of picked()) box.checked = false;
		select();
	}
	function selectAll() {
		const boxes = [...all("#rows .pick")], on = boxes.some((b) => !b.checked);
		for (const box of boxes) box.checked = on;
		select();
	}
	document.addEventListener("change", (e) => { if (e.target.matches(".pick")) select(); });
	document.addEventListener("click", (e) => {
		if (e.target.id === "choose-none") unselect();
		if (e.target.closest("[data-print]")) print();
	});
	document.addEventListener("htmx:after:swap", select); // what was selected may have gone
	document.addEventListener("htmx:finally:request", (e) => {
		const { sourceElement: source, response } = e.detail.ctx ?? {};
		if (response && response.status < 500 && source?.matches?.("#bulk [hx-post], [data-clears], [data-clears] *")) unselect();
	});
	document.addEventListener("htmx:after:swap", () => { const h = $("#main [data-focus]"); if (h) { h.removeAttribute("data-focus"); h.focus(); } });

	// ---- keys. The focus is the cursor: pushes keep it. -----------------------------------------------
	let cursor = null; // the row that has the focus, or had it before a dialog opened or its element went
	document.addEventListener("focusin", (e) => {
		const row = e.target.closest(".rows > .row");
		if (row) cursor = { id: row.id, index: [...all(".rows > .row")].indexOf(row) };
		else if (!e.target.closest("dialog, .toasts, .bulk")) cursor = null;
	});
	document.addEventListener("pointerdown", (e) => { if (!e.target.closest(".row, dialog, .toasts, .bulk")) cursor = null; }, { passive: true });
	document.addEventListener("close", resume, true);
	// resume puts the focus back where it was, or on the row that came to that place.
	function resume() {
		if (!cursor || document.activeElement !== document.body || $("dialog[open]")) return;
		const rows = all(".rows > .row");
		focusOn(document.getElementById(cursor.id) ?? rows[Math.min(cursor.index, rows.length - 1)]);
	}
	const focusOn = (row) => [...all(".who a, .acts a, .acts button", row ?? document.createElement("i"))].find((el) => el.checkVisibility())?.focus({ preventScroll: true });
	const here = () => document.activeElement?.closest(".rows > .row");
	function move(by) {
		const rows = [...all(".rows > .row")], at = rows.indexOf(here());
		const row = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
		focusOn(row);
		row?.scrollIntoView({ block: "nearest" });
	}
	const keys = {
		j: () => move(1), k: () => move(-1),
		x: () => { const box = $(".pick", here()); if (box) { box.checked = !box.checked; select(); } },
		X: selectAll,
		u: () => $("#undo")?.requestSubmit(), h: () => ((here() && $('[data-key="h"]', here())) || $("#deeds"))?.click(), "?": () => $("#keys")?.click(),
		"/": () => { $("#find")?.focus(); $("#find")?.select(); },
		f: () => { const panel = $("#panel"); if (panel) { panel.open = !panel.open; $("select, summary", panel).focus(); } },
		Escape: unselect,
	};
	for (const key of "cdrsawmyn") {
		keys[key] = () => {
			const many = picked().length && $(`#bulk [data-bulk="${key}"]`);
			(many || (here() && $(`[data-key="${key}"]`, here())))?.click();
		};
	}
	const typing = (el) => el.closest("textarea, select, input:not([type=checkbox])");
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
		if (e.key === "Escape" && e.target.id === "find") return void e.target.blur();
		if (typing(e.target)) return;
		const dialog = e.target.closest("dialog") ?? $("dialog[open]");
		if (dialog) {
			const nth = /^[1-9]$/.test(e.key) && all(".nth", dialog)[e.key - 1];
			if (nth) { e.preventDefault(); nth.click(); }
			return;
		}
		const does = keys[e.key];
		if (does && !(e.key === "Escape" && !picked().length)) { e.preventDefault(); does(); }
	});

	// ---- charts (operations): canvas cannot read light-dark(), so colours are resolved here ------------
	const charts = new Map();
	function colour(name) {
		const probe = document.createElement("i");
		probe.style.color = `var(${name})`;
		document.body.append(probe);
		const c = getComputedStyle(probe).color;
		probe.remove();
		return c;
	}
	const calm = matchMedia("(prefers-reduced-motion: reduce)").matches; // then charts move once a minute
	async function draw() {
		const spots = [...all("[data-chart]")];
		if (!spots.length || !window.uPlot || draw.busy || Date.now() - (draw.at || 0) < (calm ? 58e3 : 9e3)) return;
		draw.busy = true;
		try {
			for (const src of new Set(spots.map((el) => el.dataset.src))) {
				const res = await fetch(src, { headers: { "X-Background": "1" } });
				if (!res.ok) return;
				const series = await res.json();
				for (const el of spots) if (el.dataset.src === src) chart(el, series[el.dataset.chart]);
			}
			draw.at = Date.now();
		} catch { /* the next round tries again */ } finally { draw.busy = false; }
	}
	function tens(u, axis, low, high) { // a line for each power of ten, and none between
		const out = [];
		for (let v = 10 ** Math.ceil(Math.log10(low)); v <= high * 1.001; v *= 10) out.push(v);
		return out;
	}
	function chart(el, s) {
		if (!s || s.data.length < 2) return;
		const old = charts.get(el);
		if (old?.names === s.names.join()) return void old.plot.setData(s.data);
		old?.plot.destroy();
		const tones = ["--teal", "--amber", "--green", "--red"].map(colour), ink = colour("--soft"), line = colour("--line");
		const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
		const lines = [undefined, [6, 4], [2, 3]];
		const plot = new uPlot({
			width: el.clientWidth, height: 200, legend: { live: false }, cursor: { show: false }, axes: [axis, { ...axis, size: 64, ...(s.log && { splits: tens, filter: (u, at) => at }) }],
			scales: s.log ? { y: { distr: 3, log: 10 } } : { y: { range: { min: { pad: 0, soft: 0, mode: 1 }, max: { pad: .1, soft: 1, mode: 1 } } } },
			series: [{}, ...s.names.map((label, i) => ({ label, stroke: tones[i % 4], width: 2, spanGaps: true, points: { show: s.data[i + 1].filter((v) => v != null).length < 30, size: 5 }, dash: lines[(Math.floor(i / 4) + i % 2) % 3] }))],
		}, s.data, el);
		charts.set(el, { plot, names: s.names.join() });
		new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height: 200 })).observe(el);
	}
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
		for (const [el, c] of charts) { c.plot.destroy(); charts.delete(el); }
		draw.at = 0;
		draw();
	});

	document.addEventListener("DOMContentLoaded", () => {
		arranged();
		const here = $(".top nav [aria-current]"), tabs = here?.parentElement; // where tabs do not fit, the open one is in sight
		if (here) tabs.scrollLeft = here.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - here.clientWidth) / 2;
		setInterval(times, 15000);
		if (document.body.hasAttribute("data-signed-in")) {
			for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) addEventListener(kind, () => stay(false), { passive: true });
			setInterval(watch, 5000);
			document.addEventListener("visibilitychange", () => { if (!document.hidden) watch(); }); // a phone that slept
		}
		setInterval(draw, 5000);
	});
})();
