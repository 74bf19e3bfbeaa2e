package course

import "math/rand/v2"

// Waves is an order of a case's messages: indexes, in several parts between which everything comes to
// rest. An index may come more than once.
type Waves [][]int

// AsTold is the order in which things were told, in one wave.
func AsTold(n int) Waves {
	w := make([]int, n)
	for i := range w {
		w[i] = i
	}
	return Waves{w}
}

// Disorder is another order of n messages: any message may come late, by one wave or two; waves are
// shuffled, or backwards; some messages come twice.
func Disorder(seed uint64, number, n int) Waves {
	r := rand.New(rand.NewPCG(seed, uint64(number)|1<<40))
	waves := make(Waves, 3)
	for i := range n {
		late := 0
		if chance(r, 35) {
			late = 1 + r.IntN(2)
		}
		waves[late] = append(waves[late], i)
		if chance(r, 20) { // the reply was lost
			again := late + r.IntN(3-late)
			waves[again] = append(waves[again], i)
		}
	}
	backwards := chance(r, 25)
	for _, w := range waves {
		if backwards {
			for i, j := 0, len(w)-1; i < j; i, j = i+1, j-1 {
				w[i], w[j] = w[j], w[i]
			}
			continue
		}
		r.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
	}
	return waves
}

// Without is the order with one message left out; those after it move up.
func (w Waves) Without(dropped int) Waves {
	out := make(Waves, len(w))
	for n, wave := range w {
		for _, i := range wave {
			switch {
			case i < dropped:
				out[n] = append(out[n], i)
			case i > dropped:
				out[n] = append(out[n], i-1)
			}
		}
	}
	return out
}
