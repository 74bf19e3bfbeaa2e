-- +goose Up
-- Which patients are one person, over the facilities. A patient without a row is a person alone.
CREATE TABLE kin (
	patient_id uuid PRIMARY KEY,
	org_id     uuid NOT NULL,
	person_id  uuid NOT NULL,
	as_of      bigint NOT NULL             -- sequence of the event that said so
) WITH (fillfactor = 80);
CREATE INDEX kin_person ON kin (person_id);

-- Every stay that may matter to another of the same person: as a return, or as the discharge before one.
CREATE TABLE visit (
	encounter_id uuid PRIMARY KEY,
	org_id       uuid NOT NULL,
	patient_id   uuid NOT NULL,
	ended_at     timestamptz NOT NULL,     -- infinity while the patient is there
	admitted_at  timestamptz,
	fold_version bigint NOT NULL,
	visit        json NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX visit_patient ON visit (patient_id, ended_at);

INSERT INTO visit (encounter_id, org_id, patient_id, ended_at, admitted_at, fold_version, visit)
SELECT encounter_id, org_id, patient_id, CASE WHEN stay->>'state' = 'finished' THEN coalesce(discharged_at, admitted_at, 'infinity') ELSE 'infinity' END,
	admitted_at, fold_version, json_strip_nulls(json_build_object('facility', facility, 'facility_id', facility_id, 'class', class,
	'state', stay->'state', 'admit_type', stay->'admit_type', 'principal', stay->'diagnoses'->0, 'disposition', disposition,
	'admitted_at', stay->'admitted_at', 'discharged_at', stay->'discharged_at', 'age', age, 'sensitive', sensitive))
FROM transition WHERE stay IS NOT NULL AND admitted_at IS NOT NULL AND class IN ('emergency', 'inpatient', 'observation', 'obstetrics', 'newborn');
-- +goose Down
DROP TABLE visit, kin;
