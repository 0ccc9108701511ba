package core

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseScript reads a Script as it prints itself. Empty lines and what follows
// a # are skipped, and a semicolon ends a line too.
func ParseScript(text string) (Script, error) {
	var s Script
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		for part := range strings.SplitSeq(line, ";") {
			if err := s.readLine(strings.TrimSpace(part)); err != nil {
				return Script{}, fmt.Errorf("core: script line %d: %w", number, err)
			}
		}
	}
	return s, nil
}

func (s *Script) readLine(line string) error {
	if line == "" {
		return nil
	}
	if seed, ok := strings.CutPrefix(line, "seed "); ok {
		n, err := strconv.ParseUint(strings.TrimSpace(seed), 10, 64)
		s.Seed = n
		return err
	}
	words := strings.Fields(line)
	// An API has a colon too, but none at its end.
	last := slices.IndexFunc(words, func(word string) bool { return strings.HasSuffix(word, ":") })
	if last < 0 {
		return fmt.Errorf("%q has no fault after a colon", line)
	}
	words[last] = strings.TrimSuffix(words[last], ":")
	var r Rule
	if err := r.readCalls(words[:last+1]); err != nil {
		return err
	}
	if err := r.Fault.read(words[last+1:]); err != nil {
		return err
	}
	s.Rules = append(s.Rules, r)
	return nil
}

func (r *Rule) readCalls(words []string) error {
	for i := 0; i < len(words); i++ {
		word, value := words[i], ""
		switch {
		case word == "*" || word == "":
			continue
		case word == "mutating":
			r.Mutating = true
			continue
		case strings.Contains(word, ":"):
			if service, operation, _ := strings.Cut(word, ":"); service == "" || operation == "" || strings.Contains(operation, ":") {
				return fmt.Errorf("%q is no API: want service:Operation or service:*", word)
			}
			r.API = word
			continue
		case i+1 < len(words):
			i++
			value = words[i]
		}
		if err := r.set(word, value); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rule) set(word, value string) (err error) {
	if value == "" {
		return fmt.Errorf("%q wants a value, or is no word of a rule", word)
	}
	switch word {
	case "account":
		r.Account = value
	case "region":
		r.Region = value
	case "by":
		r.By = value
	case "nth":
		r.Nth, err = strconv.Atoi(value)
	case "from":
		r.From, err = time.ParseDuration(value)
	case "for":
		r.For, err = time.ParseDuration(value)
	case "chance":
		r.Chance, err = strconv.ParseFloat(value, 64)
		if err == nil && !(r.Chance >= 0 && r.Chance <= 1) {
			err = fmt.Errorf("%q is not between 0 and 1", value)
		}
	default:
		err = fmt.Errorf("%q is no word of a rule", word)
	}
	return err
}

// read reads a fault as it prints itself.
func (f *Fault) read(words []string) (err error) {
	if len(words) == 0 {
		return fmt.Errorf("there is no fault")
	}
	if words[0] == "slow" {
		words = append([]string{"none", "delay"}, words[1:]...)
	}
	way := slices.Index(ways, words[0])
	if way < 0 {
		return fmt.Errorf("%q is no way to fail", words[0])
	}
	f.Way = Way(way)
	for i := 1; i < len(words) && err == nil; i++ {
		switch word := words[i]; {
		case word == "after":
			f.After = true
		case word == "delay":
			if i++; i == len(words) {
				return fmt.Errorf("delay wants a duration")
			}
			f.Delay, err = time.ParseDuration(words[i])
		case f.Way == Refuse && strings.Trim(word, "0123456789") != "":
			f.Error.Code = word
		case f.Way == Refuse:
			f.Error.Status, err = readStatus(word)
		case f.Way == Garbage:
			f.Status, err = readStatus(word)
		default:
			return fmt.Errorf("%q says nothing of %s", word, f.Way)
		}
	}
	f.After = f.After && f.Way != None && !f.Way.afterOnly() // of these it says nothing
	return err
}

// readStatus reads an HTTP status of a failure.
func readStatus(word string) (int, error) {
	status, err := strconv.Atoi(word)
	if err == nil && (status < 400 || status > 599) {
		err = fmt.Errorf("%d is no status of a failure", status)
	}
	return status, err
}
