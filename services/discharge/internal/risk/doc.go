// Package risk scores the danger of coming back: LACE, and HOSPITAL in its variants,
// as intervals.
//
// What it promises:
//
//   - A [Score] is the interval [Min, Max] of every value the score can have given
//     what is known. An input that is not known is never taken for zero: it widens
//     the interval and is named in Missing. With all inputs known Min equals Max.
//   - The score keeps the variant and the version of the tables it came from.
//   - Weights of comorbidities are LACE's own, as data (comorbidity.yaml); the
//     classic Charlson weights are never fed into it. HOSPITAL's variants are data,
//     too (hospital.yaml), and each is a score of its own: they are not comparable.
//   - Pure: the same inputs give the same score.
package risk
