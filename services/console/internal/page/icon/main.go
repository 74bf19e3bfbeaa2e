// Icon draws the console's mark as the PNG files that a phone wants of an app it installs, from the same
// shapes as static/icon.svg. Run it after the mark has changed: go generate ./internal/page.
package main

import (
	"image"
	"image/color"
	"image/png"
	"log"
	"math"
	"os"
	"path/filepath"
)

// The mark, on a ground of 32 by 32.
var (
	ground = color.NRGBA{0x0f, 0x5c, 0x63, 0xff}
	white  = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	wave   = [][4]point{{{7, 19}, {11, 13}, {15, 13}, {16, 16}}, {{16, 16}, {17, 19}, {21, 19}, {25, 13}}}
	dots   = []point{{16, 24}, {16, 8}}
)

type point struct{ x, y float64 }

// look is how a file shows the mark.
type look struct {
	name  string
	size  int
	round float64 // the ground's corners; negative: no ground, the mark alone
	scale float64 // of the mark, around the middle: what a phone may cut off is kept free
}

var looks = []look{
	{"icon-192.png", 192, 9, 1}, {"icon-512.png", 512, 9, 1},
	{"icon-mask-512.png", 512, 0, .8}, {"icon-touch.png", 180, 0, .9}, {"icon-badge.png", 96, -1, 1.3},
}

func main() {
	dir := filepath.Join("static")
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	for _, l := range looks {
		if err := write(filepath.Join(dir, l.name), l.draw()); err != nil {
			log.Fatal(err)
		}
	}
}

func write(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(f, img); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// draw looks at sixteen points of every pixel, so that edges are smooth.
func (l look) draw() image.Image {
	const fine = 4
	img := image.NewNRGBA(image.Rect(0, 0, l.size, l.size))
	unit := 32 / float64(l.size)
	line := along(wave)
	for y := range l.size {
		for x := range l.size {
			var in, on int
			for i := range fine * fine {
				p := point{(float64(x) + (float64(i%fine)+.5)/fine) * unit, (float64(y) + (float64(i/fine)+.5)/fine) * unit}
				q := point{16 + (p.x-16)/l.scale, 16 + (p.y-16)/l.scale}
				switch {
				case marked(q, line):
					on++
				case l.round >= 0 && inside(p, l.round):
					in++
				}
			}
			img.SetNRGBA(x, y, mix(in, on, fine*fine))
		}
	}
	return img
}

// mix is the colour of a pixel of which so many of all points are ground, and mark.
func mix(in, on, all int) color.NRGBA {
	if in+on == 0 {
		return color.NRGBA{}
	}
	part := func(a, b uint8) uint8 { return uint8((int(a)*in + int(b)*on) / (in + on)) }
	return color.NRGBA{part(ground.R, white.R), part(ground.G, white.G), part(ground.B, white.B), uint8(255 * (in + on) / all)}
}

func inside(p point, r float64) bool {
	dx, dy := max(r-p.x, p.x-(32-r), 0), max(r-p.y, p.y-(32-r), 0)
	return math.Hypot(dx, dy) <= r || dx == 0 && dy == 0
}

func marked(p point, line []point) bool {
	for _, d := range dots {
		if math.Hypot(p.x-d.x, p.y-d.y) <= 2.2 {
			return true
		}
	}
	for _, q := range line {
		if math.Hypot(p.x-q.x, p.y-q.y) <= 1.5 {
			return true
		}
	}
	return false
}

// along is points on the curves, near enough to each other to be a line.
func along(curves [][4]point) (out []point) {
	const steps = 150
	for _, c := range curves {
		for i := range steps + 1 {
			t := float64(i) / steps
			a, b, d, e := (1-t)*(1-t)*(1-t), 3*(1-t)*(1-t)*t, 3*(1-t)*t*t, t*t*t
			out = append(out, point{a*c[0].x + b*c[1].x + d*c[2].x + e*c[3].x, a*c[0].y + b*c[1].y + d*c[2].y + e*c[3].y})
		}
	}
	return out
}
