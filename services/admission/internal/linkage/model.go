package linkage

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
)

// Field is one of the comparisons of a pair.
type Field int

// The comparisons, in the order in which they are explained.
const (
	Family Field = iota
	Given
	Middle
	Suffix
	Birth
	Sex
	SexForName // how surprising the sex is once the given names agree
	Home
	Phone
	SSN
	Fields // how many
)

var fieldNames = [Fields]string{"family", "given", "middle", "suffix", "birth", "sex", "sex for the name", "home", "phone", "ssn"}

// String is the comparison's name in the model and in explanations.
func (f Field) String() string { return fieldNames[f] }

// Level is how far the two sides of a comparison agree.
type Level string

// The levels. Not each comparison has each.
const (
	Missing     Level = "missing" // one side is not known: weighs nothing
	Exact       Level = "exact"
	Part        Level = "part"     // one of several family names
	Maiden      Level = "maiden"   // one's family name is the other's middle name
	Nickname    Level = "nickname" // one given name is short for the other
	Variant     Level = "variant"  // related, and spelled almost alike: Diane and Diana, whom parents may call twins
	Initial     Level = "initial"
	MiddleName  Level = "middle"     // one's given name is the other's middle name
	Turned      Level = "turned"     // given and middle name, the other way round
	Misspelled  Level = "misspelled" // similar, and hardly anybody is called the one of them
	Similar     Level = "similar"
	Sounds      Level = "sounds"
	Swapped     Level = "swapped"     // family and given name, or day and month
	Typo        Level = "typo"        // one digit, or two neighbours swapped
	Anniversary Level = "anniversary" // the day and month of another year
	Near        Level = "near"        // the year, and the month or the day
	Year        Level = "year"        // as far as one of the two dates goes
	ZIP         Level = "zip"
	None        Level = "none" // neither side has one, and most have none
	Equal       Level = "equal"
	One         Level = "one" // one side has one
	Same        Level = "same"
	Different   Level = "different"
)

// Story is what two records may be.
type Story int

// The stories: of one person, or one of several ways to be two.
const (
	OnePerson Story = iota
	Strangers
	Household
	Twins
	Namesakes
	stories
)

var storyNames = [stories]string{"same", "strangers", "household", "twins", "namesakes"}

// String is the story's name in explanations.
func (s Story) String() string { return storyNames[s] }

// chance is how probable a level is in each story; NaN: as often as patients have the value.
type chance [stories]float64

// Model is weights and thresholds.
type Model struct {
	Version    int
	Link       float64            // log2 of the odds from which on a pair is linked
	Review     float64            // from which on somebody should look at it
	population float64            // never fewer strangers than this: who was not here yet may come
	usual      [termKinds]float64 // how often a value of the kind is met
	smoothing  [termKinds]float64 // how many patients must have been met for their own shares to outweigh that
	partners   [stories]float64   // how many a record has; of strangers: all others
	chances    [Fields]map[Level]chance
}

//go:embed model.json
var modelText []byte

// Shipped is the model that this build brings.
var Shipped = sync.OnceValue(func() *Model {
	m, err := NewModel(modelText)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return m
})

// NewModel reads a model as model.json states it.
func NewModel(text []byte) (*Model, error) {
	var in struct {
		Version                    int
		Link, Review               float64
		Population                 float64
		Usual, Smoothing, Partners map[string]float64
		Comparisons                map[string]map[Level][]*float64
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	m := &Model{Version: in.Version, Link: in.Link, Review: in.Review, population: in.Population}
	if m.Link <= m.Review || m.population < 1 {
		return nil, errors.New("model: thresholds or population make no sense")
	}
	for k, name := range termNames {
		if m.usual[k], m.smoothing[k] = in.Usual[name], in.Smoothing[name]; m.usual[k] <= 0 || m.smoothing[k] <= 0 {
			return nil, fmt.Errorf("model: how usual is a %s?", name)
		}
	}
	for s, name := range storyNames {
		if m.partners[s] = in.Partners[name]; m.partners[s] <= 0 && Story(s) != Strangers {
			return nil, fmt.Errorf("model: how many partners has a record in %q?", name)
		}
	}
	for f, name := range fieldNames {
		var err error
		if m.chances[f], err = readChances(in.Comparisons[name]); err != nil {
			return nil, fmt.Errorf("model: %s: %w", name, err)
		}
	}
	return m, nil
}

// readChances reads the levels of one comparison. In no story may they sum to much more than one.
func readChances(levels map[Level][]*float64) (map[Level]chance, error) {
	out := map[Level]chance{}
	var sum chance
	for level, list := range levels {
		if len(list) != int(stories) {
			return nil, fmt.Errorf("%s has %d chances", level, len(list))
		}
		var c chance
		for s, p := range list {
			switch {
			case p == nil && s != int(OnePerson):
				c[s] = math.NaN()
			case p == nil || *p <= 0 || *p > 1:
				return nil, fmt.Errorf("%s: a chance is above 0 and at most 1", level)
			default:
				c[s] = *p
				if level != Swapped || *p < 1 { // 1: what the other name's comparison has said
					sum[s] += *p
				}
			}
		}
		out[level] = c
	}
	for s := range sum {
		if sum[s] > 1.02 {
			return nil, fmt.Errorf("the chances of %s sum to %.3f", Story(s), sum[s])
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no levels")
	}
	return out, nil
}
