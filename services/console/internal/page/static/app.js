// What the pages need beyond htmx: running times, the dialog, the passing notes, the live light, the
// automatic sign-out, a few keys. Loaded before htmx, which starts when the document is ready.
"use strict";
(() => {
	const $ = (selector, from = document) => from.querySelector(selector);
	const all = (selector, from = document) => from.querySelectorAll(selector);

	// ---- times: the same words as board.Countdown and board.Ago -------------------------------
	const count = (n, noun) => (n === 1 ? `1 ${noun}` : `${n} ${noun}s`);
	function span(ms) {
		const minutes = Math.floor(ms / 60000);
		if (minutes < 1) return "less than a minute";
		if (minutes < 60) return count(minutes, "minute");
		if (minutes < 360 && minutes % 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
		if (minutes < 48 * 60) return count(Math.floor(minutes / 60), "hour");
		return count(Math.floor(minutes / 1440), "day");
	}
	function tone(left) {
		if (left <= 0) return "overdue";
		if (left <= 4 * 3600e3) return "soon";
		return left <= 24 * 3600e3 ? "today" : "later";
	}
	const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
	const write = (el, text) => { if (el.textContent !== text) el.textContent = text; };
	function times(from = document) {
		const now = Date.now();
		for (const el of all("time[data-show]", from)) {
			const at = Date.parse(el.dateTime), left = at - now;
			switch (el.dataset.show) {
			case "due": {
				write(el, left <= 0 ? `Overdue by ${span(-left)}` : `Due in ${span(left)}`);
				const row = el.closest(".row");
				if (row && row.dataset.tone !== tone(left)) row.dataset.tone = tone(left);
				break;
			}
			case "ago":
				write(el, now - at < 60000 ? "just now" : `${span(now - at)} ago`);
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

	// ---- no row goes back in time: an answer to a click may overtake a push that was under way ----------
	document.addEventListener("htmx:before:swap", (e) => {
		for (const task of e.detail.tasks) {
			for (const row of task.fragment?.querySelectorAll?.(".row[data-version]") ?? []) {
				const now = document.getElementById(row.id);
				if (now && Number(now.dataset.version) > Number(row.dataset.version)) row.replaceWith(now.cloneNode(true));
			}
		}
	});

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
		Object.assign(note, { className: "failed", textContent: "This could not be saved just now. What you wrote is still here: please try again." });
		note.setAttribute("role", "alert");
		form.prepend(note);
	}
	document.addEventListener("change", (e) => { if (e.target.closest("form[data-auto]")) e.target.form.requestSubmit(); });

	// ---- the live light ------------------------------------------------------------------------
	function light(state, words) {
		const el = $("#live");
		if (!el || el.dataset.state === state) return;
		el.dataset.state = state;
		$(".words", el).textContent = words;
	}
	document.addEventListener("htmx:sse:after:connection", (e) => { if (e.detail.connection.status === 200) light("on", "Live"); });
	document.addEventListener("htmx:sse:after:message", () => light("on", "Live"));
	document.addEventListener("htmx:sse:error", () => light("lost", "Connection lost, trying again"));
	document.addEventListener("htmx:sse:close", () => light("lost", "Not live"));
	document.addEventListener("signed-out", () => { location.href = "/login?why=idle"; });
	document.addEventListener("htmx:error", () => light("lost", "Connection lost, trying again"));

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
	function leave() {
		const form = $(".me form");
		const why = document.createElement("input");
		Object.assign(why, { type: "hidden", name: "why", value: "idle" });
		form.append(why);
		form.submit();
	}

	// ---- keys: j k to move, c claim, d done, r give back. The focus is the cursor: pushes keep it. -----
	const here = () => document.activeElement?.closest("#rows > .row");
	function move(by) {
		const rows = [...all("#rows > .row")];
		const row = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(here()) + by))];
		$(".who a", row)?.focus();
	}
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea, select, dialog")) return;
		if (e.key === "j") move(1);
		else if (e.key === "k") move(-1);
		else if ("cdr".includes(e.key)) here()?.querySelector(`[data-key="${e.key}"]`)?.click();
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
	async function draw() {
		const spots = all("[data-chart]");
		if (!spots.length || !window.uPlot || draw.busy || Date.now() - (draw.at || 0) < 4000) return;
		draw.busy = true;
		try {
			const res = await fetch("/live/operations/series", { headers: { "X-Background": "1" } });
			if (!res.ok) return;
			const series = await res.json();
			draw.at = Date.now();
			for (const el of spots) chart(el, series[el.dataset.chart]);
		} catch { /* the next round tries again */ } finally { draw.busy = false; }
	}
	function chart(el, s) {
		if (!s || !s.data[0].length) return;
		const old = charts.get(el);
		if (old) return void old.setData(s.data);
		const tones = ["--teal", "--amber", "--green", "--red"].map(colour), ink = colour("--soft"), line = colour("--line");
		const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
		const u = new uPlot({
			width: el.clientWidth, height: 200, legend: { live: false }, cursor: { show: false }, axes: [axis, { ...axis, size: 56 }],
			series: [{}, ...s.names.map((label, i) => ({ label, stroke: tones[i], width: 2, points: { show: false }, dash: i === 1 ? [6, 4] : undefined }))],
		}, s.data, el);
		charts.set(el, u);
		new ResizeObserver(() => u.setSize({ width: el.clientWidth, height: 200 })).observe(el);
	}
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
		for (const [el, u] of charts) { u.destroy(); charts.delete(el); }
		draw.at = 0;
		draw();
	});

	document.addEventListener("DOMContentLoaded", () => {
		arranged();
		setInterval(times, 15000);
		if (document.body.hasAttribute("data-signed-in")) {
			for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) addEventListener(kind, () => stay(false), { passive: true });
			setInterval(watch, 5000);
		}
		setInterval(draw, 5000);
	});
})();
