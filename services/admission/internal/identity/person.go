package identity

import "encoding/json"

// The structured groups. Their JSON leaves this package only as phi.Text (to be stored) or through
// the doors that may show it; a group's struct is read with Read.
type (
	// PersonName is a name (PID-5).
	PersonName struct {
		Family string `json:"family,omitempty"`
		Given  string `json:"given,omitempty"`
		Middle string `json:"middle,omitempty"`
		Suffix string `json:"suffix,omitempty"`
		Prefix string `json:"prefix,omitempty"`
	}
	// PostalAddress is an address (PID-11).
	PostalAddress struct {
		Street  string `json:"street,omitempty"`
		Other   string `json:"other,omitempty"`
		City    string `json:"city,omitempty"`
		State   string `json:"state,omitempty"`
		Zip     string `json:"zip,omitempty"`
		Country string `json:"country,omitempty"`
		Use     string `json:"use,omitempty"`
	}
	// Telecom is a telephone number or mail address (PID-13, PID-14).
	Telecom struct {
		Use    string `json:"use,omitempty"`
		Number string `json:"number,omitempty"`
		Email  string `json:"email,omitempty"`
	}
	// Contact is a next of kin, proxy or emergency contact (NK1).
	Contact struct {
		Name     PersonName `json:"name"`
		Relation string     `json:"relation,omitempty"` // table 0063
		Role     string     `json:"role,omitempty"`     // table 0131
		Phones   []Telecom  `json:"phones,omitempty"`
	}
	// Coverage is one insurance (IN1).
	Coverage struct {
		Order  int    `json:"order,omitempty"` // 1 primary
		Plan   string `json:"plan,omitempty"`
		Payer  string `json:"payer,omitempty"`
		Name   string `json:"name,omitempty"`
		Member string `json:"member,omitempty"`
		Group  string `json:"group,omitempty"`
		Class  string `json:"class"` // medicare, medicaid, commercial, self-pay, other
	}
	// Allergy is an allergy or intolerance (AL1, IAM).
	Allergy struct {
		ID       string `json:"id,omitempty"`
		Type     string `json:"type,omitempty"` // table 0127: DA drug, FA food, EA environmental
		Code     string `json:"code,omitempty"`
		Text     string `json:"text,omitempty"`
		System   string `json:"system,omitempty"`
		Severity string `json:"severity,omitempty"` // table 0128: SV severe, MO moderate, MI mild
		Reaction string `json:"reaction,omitempty"`
	}
	// Provider is the primary care provider (PD1-4).
	Provider struct {
		ID   string     `json:"id,omitempty"`
		Name PersonName `json:"name"`
	}
)

// Read reads a structured group of a record; the zero value where there is none.
func Read[T any](r *Record, g Group) T {
	var v T
	if s := r.Value(g); s != "" {
		_ = json.Unmarshal([]byte(s), &v) // written by Encode
	}
	return v
}
