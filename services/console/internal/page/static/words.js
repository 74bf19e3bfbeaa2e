// What scripts say: written where they say it, in English, as in templates; where the page is in another
// language, what that says instead. The catalogue of texts finds the calls of say and sayN. The page and
// the service worker share this file, which comes before all others.
"use strict";
self.words = (() => {
	const page = self.document?.documentElement, language = page?.lang || "en";
	const said = JSON.parse(self.document?.body?.dataset.words || "{}");
	const form = new Intl.PluralRules(language);
	// locale is how days and times are written: the reader's own habit, if it is one of the page's language.
	const locale = navigator.languages?.find((l) => l.split("-")[0] === language) ?? language;
	function fill(text, parts) {
		let next = 0;
		return text.replace(/%(?:\[(\d)\])?[sd]/g, (_, n) => parts[n ? n - 1 : next++]);
	}
	const say = (text, ...parts) => fill(said[text]?.other ?? text, parts);
	const sayN = (n, one, many) => fill(said[many]?.[form.select(n)] ?? said[many]?.other ?? (n === 1 ? one : many), [n]);

	const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
	const weekday = new Intl.DateTimeFormat(locale, { weekday: "long" });
	const day = new Intl.DateTimeFormat(locale, { weekday: "long", month: "long", day: "numeric" });
	// near is a time as people say it, the same words as board.When.
	function near(at, now = Date.now()) {
		const midnight = (t) => new Date(t).setHours(0, 0, 0, 0);
		const days = Math.round((midnight(at) - midnight(now)) / 864e5), time = clock.format(at);
		if (days === 0) return say("today at %s", time);
		if (days === 1) return say("tomorrow at %s", time);
		return say("%s at %s", (days > 1 && days < 7 ? weekday : day).format(at), time);
	}
	return { say, sayN, near, locale };
})();
