package adt

import (
	"strings"

	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

// classes maps PV1-2 (table 0004, and what else is sent there) to a class.
var classes = map[string]string{
	"I": encounter.Inpatient, "IP": encounter.Inpatient, "INP": encounter.Inpatient, "INPATIENT": encounter.Inpatient, "IMP": encounter.Inpatient, "ACUTE": encounter.Inpatient,
	"O": encounter.Outpatient, "OP": encounter.Outpatient, "OUT": encounter.Outpatient, "OUTPATIENT": encounter.Outpatient, "AMB": encounter.Outpatient, "S": encounter.Outpatient, "SS": encounter.Outpatient,
	"E": encounter.Emergency, "ED": encounter.Emergency, "ER": encounter.Emergency, "EMER": encounter.Emergency, "EMERGENCY": encounter.Emergency,
	"P": encounter.PreAdmitted, "PRE": encounter.PreAdmitted, "PREADMIT": encounter.PreAdmitted, "PRENC": encounter.PreAdmitted,
	"R": encounter.Recurring, "RECURRING": encounter.Recurring, "B": encounter.Obstetrics, "OBSTETRICS": encounter.Obstetrics,
	"OBS": encounter.Observation, "OBSV": encounter.Observation, "OBSENC": encounter.Observation, "OBSERVATION": encounter.Observation,
	"NEWBORN": encounter.Newborn, "C": encounter.OtherClass, "U": encounter.OtherClass,
}

// class decides the class of a visit: the feed's maps, observation by PV1-2 or PV1-18, newborn by
// PV1-4, the standard table; "" where PV1-2 is empty or says that it does not apply.
func (d *Dialect) class(patientClass, patientType, admissionType string) string {
	if c, ok := d.PatientTypes[patientType]; ok && patientType != "" {
		return c
	}
	if c, ok := d.Classes[patientClass]; ok && patientClass != "" {
		return c
	}
	code, kind := strings.ToUpper(strings.TrimSpace(patientClass)), strings.ToUpper(strings.TrimSpace(patientType))
	if classes[code] == encounter.Observation || isObservation(kind) {
		return encounter.Observation
	}
	if admissionType == "N" || admissionType == "4" {
		if c := classes[code]; c == encounter.Inpatient || c == encounter.Obstetrics || c == encounter.Newborn || code == "" {
			return encounter.Newborn
		}
	}
	if code == "" || code == "N" {
		return ""
	}
	if c, ok := classes[code]; ok {
		return c
	}
	return encounter.OtherClass
}

func isObservation(code string) bool {
	switch code {
	case "OBS", "OBSV", "OBSENC", "OBSERVATION":
		return true
	}
	return false
}

// disposition maps PV1-36 to a UB-04 patient discharge status of two digits, or Unmapped.
func (d *Dialect) disposition(raw string) string {
	if raw == "" {
		return ""
	}
	if code, ok := d.Dispositions[raw]; ok {
		return code
	}
	code := strings.TrimSpace(raw)
	if len(code) == 1 {
		code = "0" + code
	}
	if dispositionKnown(code) {
		return code
	}
	return encounter.Unmapped
}

// dispositionKnown: the codes in use, the historic ones included; all others are reserved.
func dispositionKnown(code string) bool {
	if len(code) != 2 || code[0] < '0' || code[0] > '9' || code[1] < '0' || code[1] > '9' {
		return false
	}
	n := int(code[0]-'0')*10 + int(code[1]-'0')
	switch {
	case n >= 1 && n <= 9, n == 20, n == 21, n == 30, n >= 40 && n <= 43, n == 50, n == 51, n >= 61 && n <= 66, n >= 69 && n <= 72, n >= 81 && n <= 95:
		return true
	}
	return false
}

// admitType maps PV1-4: UB-04 FL14 digits and table 0007 letters, which one feed may mix.
func admitType(code string) string {
	switch strings.ToUpper(code) {
	case "1", "E", "A":
		return "emergency"
	case "2", "U", "L":
		return "urgent"
	case "3", "C", "R":
		return "elective"
	case "4", "N":
		return "newborn"
	case "5":
		return "trauma"
	}
	return ""
}

// payerClass sorts a payer by its code and names.
func payerClass(texts ...string) string {
	any := false
	for _, t := range texts {
		t = strings.ToUpper(t)
		any = any || t != ""
		switch {
		case strings.Contains(t, "MEDICARE"), t == "MCR", t == "MCARE":
			return "medicare"
		case strings.Contains(t, "MEDICAID"), t == "MCD", t == "MCAID":
			return "medicaid"
		case strings.Contains(t, "SELF"), t == "SP":
			return "self-pay"
		case strings.Contains(t, "TRICARE"), strings.Contains(t, "WORKERS"), strings.Contains(t, "VETERAN"):
			return "other"
		}
	}
	if any {
		return "commercial"
	}
	return "other"
}

var languages = map[string]string{
	"ENG": "en", "ENGLISH": "en", "SPA": "es", "SPANISH": "es", "ZHO": "zh", "CHI": "zh", "CHINESE": "zh", "MANDARIN": "zh", "CANTONESE": "zh",
	"VIE": "vi", "VIETNAMESE": "vi", "KOR": "ko", "KOREAN": "ko", "RUS": "ru", "RUSSIAN": "ru", "ARA": "ar", "ARABIC": "ar",
	"FRA": "fr", "FRE": "fr", "FRENCH": "fr", "HAT": "ht", "DEU": "de", "GER": "de", "GERMAN": "de", "ITA": "it", "ITALIAN": "it",
	"POR": "pt", "PORTUGUESE": "pt", "POL": "pl", "POLISH": "pl", "TGL": "tl", "FIL": "tl", "TAGALOG": "tl", "HIN": "hi", "HINDI": "hi",
	"JPN": "ja", "JAPANESE": "ja", "FAS": "fa", "PER": "fa", "FARSI": "fa", "URD": "ur", "BEN": "bn", "GUJ": "gu", "PAN": "pa", "SOM": "so",
	"AMH": "am", "NLD": "nl", "DUT": "nl", "UKR": "uk", "HMN": "hmn", "KHM": "km", "LAO": "lo", "THA": "th", "NEP": "ne", "SWA": "sw", "TUR": "tr", "ELL": "el", "GRE": "el", "ASE": "ase",
}

// language maps PID-15 (ISO 639-1, 639-2 or a name) to ISO 639-1; "" if it is none of them.
func language(code, name string) string {
	for _, v := range [...]string{code, name} {
		if l, ok := languages[strings.ToUpper(v)]; ok {
			return l
		}
	}
	if c := strings.ToLower(code); len(c) == 2 && c[0] >= 'a' && c[0] <= 'z' && c[1] >= 'a' && c[1] <= 'z' {
		return c
	}
	return ""
}
