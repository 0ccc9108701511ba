package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// LoadPlan reads one plan as JSON and validates it. A field that Plan does not
// have is an error: a misspelt exclusion must not be taken for none.
func LoadPlan(r io.Reader) (Plan, error) {
	var p Plan
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Plan{}, errors.New("plan: something follows the plan")
	}
	if err := p.Validate(); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// ParsePlan is LoadPlan for what is in memory.
func ParsePlan(text []byte) (Plan, error) { return LoadPlan(bytes.NewReader(text)) }

// Sites returns the sites where the plan's recovery points are, each once:
// the sources first, then the destinations of copies. To read the catalog use
// Filter instead: it knows as what each site is to be read.
func (p Plan) Sites() []Site {
	sites := p.SourceSites()
	for _, d := range p.Copies {
		if s := d.Site(); !slices.Contains(sites, s) {
			sites = append(sites, s)
		}
	}
	return sites
}

// SourceSites returns the sites that the plan protects.
func (p Plan) SourceSites() []Site {
	var sites []Site
	for _, s := range p.Sources {
		for _, region := range s.Regions {
			sites = append(sites, Site{s.Account, region})
		}
	}
	return sites
}

// CopySites returns the sites that the plan copies to.
func (p Plan) CopySites() []Site {
	var sites []Site
	for _, d := range p.Copies {
		sites = append(sites, d.Site())
	}
	return sites
}

// Site returns where the copies are.
func (c Copy) Site() Site { return Site{c.Account, c.Region} }
