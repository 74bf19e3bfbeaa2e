package linkage

import "strings"

// What registrars type where they know nothing, and what belongs to a word without being one.

// nobody are words in a name that say that it is not known, or not given yet.
var nobody = words(`unknown unk unidentified none noname nofirst nolast na test testing zztest patient
	baby babyboy babygirl boy girl infant inf newborn nb male female bb bg fetus twin triplet trauma`)

// newborn are those that stand for a child without a name.
var newborn = words(`baby babyboy babygirl boy girl infant inf newborn nb bb bg twin triplet`)

// particles belong to the word after them.
var particles = words(`de del dela la las los le el al da das dos do di du van von der den ter ten bin ibn abu st san santa mc mac o d`)

// generations are suffixes that tell a father from a son.
var generations = map[string]string{
	"jr": "2", "junior": "2", "ii": "2", "2nd": "2", "sr": "1", "senior": "1", "i": "1",
	"iii": "3", "3rd": "3", "iv": "4", "4th": "4", "v": "5",
}

// streetWords are spelled in one way.
var streetWords = map[string]string{
	"street": "st", "str": "st", "avenue": "ave", "av": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd",
	"court": "ct", "place": "pl", "circle": "cir", "terrace": "ter", "parkway": "pkwy", "highway": "hwy", "square": "sq", "trail": "trl",
	"north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw",
	"first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "saint": "st", "mount": "mt", "way": "wy",
}

// units begin the part of an address that is inside the house.
var units = words(`apt apartment unit ste suite rm room fl floor lot trlr trailer bldg building no number`)

// nowhere are words of an address that is none.
var nowhere = words(`unknown none homeless undomiciled transient na address unhoused`)

func words(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}
