package hospital

import "math/rand/v2"

// condition is why somebody is in hospital, with what usually follows.
type condition struct {
	text      string
	codes     []string // ICD-10-CM with dot, principal first
	unit      string   // kind of unit
	service   string
	days      float64 // usual length of stay
	age       [2]int
	sex       string // "": any
	leaves    []weight
	sensitive bool
	procedure bool // comes planned
}

// weight is a UB-04 discharge status and how often it is.
type weight struct {
	code string
	n    int
}

// Where people go. Among them are all the discharge statuses that hospitals use.
var (
	medical = []weight{
		{"01", 40}, {"06", 24}, {"03", 18}, {"20", 3}, {"07", 2}, {"02", 2}, {"50", 2}, {"51", 2}, {"62", 2}, {"63", 1},
		{"04", 1}, {"05", 1}, {"21", 1}, {"43", 1}, {"61", 1}, {"64", 1}, {"66", 1}, {"69", 1}, {"70", 1}, {"81", 1},
	}
	frail      = []weight{{"03", 42}, {"06", 20}, {"62", 14}, {"01", 14}, {"20", 4}, {"51", 3}, {"63", 2}, {"61", 1}}
	surgical   = []weight{{"01", 48}, {"06", 34}, {"03", 10}, {"62", 8}}
	behavioral = []weight{{"01", 68}, {"65", 16}, {"07", 10}, {"03", 3}, {"04", 3}}
	birth      = []weight{{"01", 97}, {"06", 3}}
	emergency  = []weight{{"01", 84}, {"07", 6}, {"02", 3}, {"65", 3}, {"03", 2}, {"20", 2}}
)

var conditions = []condition{
	{"Acute on chronic systolic heart failure", []string{"I50.23", "I11.0", "E11.22", "N18.30"}, "cardiac", "CAR", 5, [2]int{58, 94}, "", medical, false, false},
	{"COPD with acute exacerbation", []string{"J44.1", "F17.210", "I10"}, "medical", "PUL", 4, [2]int{52, 88}, "", medical, false, false},
	{"Pneumonia, unspecified organism", []string{"J18.9", "J44.0", "E11.9"}, "medical", "MED", 4.5, [2]int{45, 96}, "", medical, false, false},
	{"Sepsis, unspecified organism", []string{"A41.9", "N39.0", "E11.65", "I50.32"}, "icu", "MED", 7, [2]int{48, 95}, "", frail, false, false},
	{"Fracture of neck of right femur", []string{"S72.001A", "W19.XXXA", "F03.90", "M81.0"}, "surgical", "ORT", 5.5, [2]int{68, 97}, "", frail, false, false},
	{"Cerebral infarction", []string{"I63.9", "I48.91", "I10", "E78.5"}, "neuro", "NEU", 5.5, [2]int{50, 93}, "", frail, false, false},
	{"Non-ST elevation myocardial infarction", []string{"I21.4", "I25.10", "E11.9", "I10"}, "cardiac", "CAR", 3.5, [2]int{48, 90}, "", medical, false, false},
	{"Type 2 diabetes with hyperglycemia", []string{"E11.65", "I10", "E66.9"}, "medical", "MED", 3, [2]int{35, 80}, "", medical, false, false},
	{"Type 1 diabetes with ketoacidosis", []string{"E10.10"}, "icu", "MED", 3, [2]int{19, 48}, "", medical, false, false},
	{"Hypertensive kidney disease with end stage renal disease", []string{"I12.0", "N18.6", "Z99.2", "E11.22"}, "medical", "NEP", 4.5, [2]int{42, 84}, "", medical, false, false},
	{"Acute kidney failure", []string{"N17.9", "I50.9", "E11.22"}, "medical", "NEP", 4, [2]int{55, 92}, "", medical, false, false},
	{"Gastrointestinal hemorrhage", []string{"K92.2", "D62", "I48.20"}, "medical", "GAS", 3.5, [2]int{48, 90}, "", medical, false, false},
	{"Cellulitis of right lower limb", []string{"L03.115", "E11.9"}, "medical", "MED", 3, [2]int{30, 85}, "", medical, false, false},
	{"Malignant neoplasm of bronchus or lung", []string{"C34.90", "C79.51", "G89.3"}, "medical", "ONC", 6, [2]int{52, 86}, "", frail, false, false},
	{"Primary osteoarthritis, right hip", []string{"M16.11", "I10"}, "surgical", "ORT", 2, [2]int{52, 84}, "", surgical, false, true},
	{"Primary osteoarthritis, right knee", []string{"M17.11", "E66.9"}, "surgical", "ORT", 2, [2]int{50, 82}, "", surgical, false, true},
	{"Calculus of gallbladder with chronic cholecystitis", []string{"K80.10"}, "surgical", "SUR", 1.5, [2]int{28, 75}, "", surgical, false, true},
	{"Major depressive disorder, recurrent, severe", []string{"F33.2", "R45.851"}, "behavioral", "PSY", 6, [2]int{18, 72}, "", behavioral, true, false},
	{"Schizophrenia", []string{"F20.9", "Z91.148"}, "behavioral", "PSY", 8, [2]int{19, 62}, "", behavioral, true, false},
	{"Alcohol dependence with withdrawal delirium", []string{"F10.231", "K70.30"}, "behavioral", "PSY", 4, [2]int{28, 68}, "", behavioral, true, false},
}

var brief = []condition{ // observed, or treated in the emergency department
	{"Chest pain, unspecified", []string{"R07.9", "I10"}, "observation", "MED", 1, [2]int{32, 86}, "", emergency, false, false},
	{"Syncope and collapse", []string{"R55", "I48.91", "E11.9"}, "observation", "MED", 1, [2]int{45, 92}, "", emergency, false, false},
	{"Sprain of ankle", []string{"S93.401A"}, "emergency", "EMR", .15, [2]int{12, 60}, "", emergency, false, false},
	{"Urinary tract infection", []string{"N39.0", "E11.9", "I10"}, "emergency", "EMR", .2, [2]int{40, 92}, "F", emergency, false, false},
	{"Opioid dependence with withdrawal", []string{"F11.23"}, "emergency", "EMR", .3, [2]int{19, 55}, "", emergency, true, false},
	{"Asthma with acute exacerbation", []string{"J45.901"}, "emergency", "EMR", .25, [2]int{6, 60}, "", emergency, false, false},
	{"Heart failure, unspecified", []string{"I50.9", "J44.9", "N18.4"}, "emergency", "EMR", .3, [2]int{62, 94}, "", emergency, false, false},
}

var (
	delivery = condition{"Full-term uncomplicated delivery", []string{"O80", "Z37.0", "Z3A.39"}, "maternity", "OBS", 2, [2]int{19, 42}, "F", birth, false, false}
	newborn  = condition{"Single liveborn infant", []string{"Z38.00"}, "nursery", "NEW", 2, [2]int{0, 0}, "", birth, false, false}
	dialysis = condition{"Encounter for hemodialysis", []string{"Z99.2", "N18.6"}, "dialysis", "NEP", .2, [2]int{42, 84}, "", []weight{{"01", 1}}, false, true}
)

func draw(r *rand.Rand, list []weight) string {
	total := 0
	for _, w := range list {
		total += w.n
	}
	n := r.IntN(total)
	for _, w := range list {
		if n -= w.n; n < 0 {
			return w.code
		}
	}
	return list[0].code
}
