package page

import (
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"slices"
)

//go:generate go run ./icon

// Shell is the addresses of the files that pages are made of beside their text: what a device keeps of
// the console.
func Shell() (list []string) {
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		switch ext := path.Ext(name); {
		case name == "sw.js", ext != ".js" && ext != ".css" && name != "icon.svg" && name != "icon-192.png" && name != "icon-badge.png":
		default:
			list = append(list, Asset(name))
		}
	}
	return list
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
