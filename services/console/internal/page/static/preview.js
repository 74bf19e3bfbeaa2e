// A preview of protocols tells how far it is while it runs, then what it found.
"use strict";
(({ say }) => document.addEventListener("submit", async (e) => {
	const form = e.target.closest("form[data-preview]");
	if (!form) return;
	e.preventDefault();
	const running = form.querySelector(".running"), bar = form.querySelector("progress"), words = form.querySelector(".words"), button = form.querySelector("button");
	const tell = (text) => { words.textContent = text; };
	running.hidden = false;
	button.disabled = true;
	try {
		const res = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/x-ndjson" } });
		if (!res.ok || !res.body) throw new Error(say("This could not be looked at just now. Please try again."));
		const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
		let rest = "";
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			const lines = (rest + value).split("\n");
			rest = lines.pop();
			for (const line of lines.filter(Boolean)) told(JSON.parse(line));
		}
	} catch (error) {
		tell(error.message);
	} finally {
		button.disabled = false;
	}
	function told(line) {
		if (line.error) throw new Error(line.error);
		if (line.of !== undefined) {
			bar.max = Math.max(1, line.of);
			bar.value = line.done;
			tell(say("%s of %s discharges", line.done, line.of));
		}
		if (line.html !== undefined) {
			running.hidden = true;
			document.querySelector("#preview").innerHTML = line.html;
		}
	}
}))(self.words);
