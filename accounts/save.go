package accounts

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The fields of a file in the order in which they are written.
type (
	fileAccount struct {
		ID       string                 `yaml:"id"`
		Name     fileText               `yaml:"name,omitempty"`
		Chain    []fileRole             `yaml:"chain,omitempty"`
		Purposes map[Purpose][]fileRole `yaml:"purposes,omitempty"`
	}
	fileRole struct {
		ARN            string                `yaml:"arn"`
		ExternalID     string                `yaml:"externalId,omitempty"`
		SessionName    string                `yaml:"sessionName,omitempty"`
		SourceIdentity string                `yaml:"sourceIdentity,omitempty"`
		Duration       string                `yaml:"duration,omitempty"`
		Tags           map[fileText]fileText `yaml:"tags,omitempty"`
		TransitiveTags []fileText            `yaml:"transitiveTags,omitempty"`
	}
)

// fileText is text of any characters. What does not print is written in double
// quotes with escapes: the encoder's choice for several lines is a block, and
// it cannot read those again that begin with a tab or an empty line.
type fileText string

func (t fileText) MarshalYAML() (any, error) {
	if strings.ContainsFunc(string(t), func(r rune) bool { return !unicode.IsPrint(r) }) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(t), Style: yaml.DoubleQuotedStyle}, nil
	}
	return string(t), nil
}

// Save writes an accounts file, in YAML and always alike for the same
// accounts. [Load] reads it back as they are, but that empty lists and maps
// are nil. What Load would refuse is not written: the error joins a
// [*FieldError] for each fault. The file holds the external ids.
func Save(w io.Writer, accts []Account) error {
	var c checker
	c.accounts(accts)
	file := struct {
		Accounts []fileAccount `yaml:"accounts"`
	}{[]fileAccount{}}
	for _, a := range accts {
		if !utf8.ValidString(a.Name) {
			c.at = FieldError{Account: a.ID}
			c.refuse("Name", "is not UTF-8 text")
		}
		f := fileAccount{ID: string(a.ID), Name: fileText(a.Name), Chain: fileRoles(a.Chain)}
		for p, roles := range a.Purposes {
			if f.Purposes == nil {
				f.Purposes = map[Purpose][]fileRole{}
			}
			f.Purposes[p] = fileRoles(roles)
		}
		file.Accounts = append(file.Accounts, f)
	}
	if len(c.errs) > 0 {
		return errors.Join(c.errs...)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	err := enc.Encode(file)
	if err == nil {
		err = enc.Close()
	}
	if err != nil {
		return fmt.Errorf("accounts: write the accounts file: %w", err)
	}
	return nil
}

func fileRoles(roles []Role) []fileRole {
	var all []fileRole
	for _, r := range roles {
		f := fileRole{
			ARN: r.ARN, ExternalID: r.ExternalID, SessionName: r.SessionName, SourceIdentity: r.SourceIdentity,
			Duration: durationText(r.Duration), Tags: map[fileText]fileText{},
		}
		for k, v := range r.Tags {
			f.Tags[fileText(k)] = fileText(v)
		}
		for _, k := range r.TransitiveTags {
			f.TransitiveTags = append(f.TransitiveTags, fileText(k))
		}
		all = append(all, f)
	}
	return all
}

// durationText is d as a person would write it: 1h30m, not 1h30m0s.
func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}
