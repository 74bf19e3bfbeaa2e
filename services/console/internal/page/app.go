package page

import (
	"encoding/json"
	"net/http"
)

//go:generate go run ./icon

// scripts are what every page loads, in this order, and then htmx.
var shell = []string{
	"app.css", "uplot.min.css", "vault.js", "queue.js", "offline.js", "phone.js", "app.js", "htmx.min.js", "hx-sse.min.js",
	"icon.svg", "icon-192.png", "icon-badge.png",
}

// Shell is the addresses of the files that pages are made of beside their text: what a device keeps of
// the console.
func Shell() []string {
	out := make([]string, len(shell))
	for i, name := range shell {
		out[i] = Asset(name)
	}
	return out
}

// The ground of the bar at the top, in light and dark: what the phone colours its own bar with.
const (
	lightBar = "#ffffff"
	darkBar  = "#1a2229"
)

// icon is one of the manifest's.
type icon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
}

// shortcut is offered where the app's icon is held.
type shortcut struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Manifest makes the console an app that a phone can put on its home screen.
var Manifest = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/manifest+json")
	w.Header().Set("Cache-Control", "no-cache")
	_ = json.NewEncoder(w).Encode(map[string]any{ // plain values: cannot fail but for who reads
		"id": "/", "start_url": "/", "scope": "/", "name": "handoff", "short_name": "handoff", "lang": "en", "dir": "ltr",
		"description": "Nobody who leaves a hospital is dropped.", "display": "standalone", "background_color": "#f4f3ef", "theme_color": lightBar,
		"icons": []icon{
			{Asset("icon-192.png"), "192x192", "image/png", ""}, {Asset("icon-512.png"), "512x512", "image/png", ""},
			{Asset("icon-mask-512.png"), "512x512", "image/png", "maskable"}, {Asset("icon.svg"), "any", "image/svg+xml", ""},
		},
		"shortcuts": []shortcut{{"Mine", "/?view=mine"}, {"Overdue", "/?view=overdue"}, {"Alerts", "/alerts"}},
	})
})

// Worker is the text of the service worker.
func Worker() []byte {
	b, _ := files.ReadFile("static/sw.js") // embedded: cannot fail
	return b
}
