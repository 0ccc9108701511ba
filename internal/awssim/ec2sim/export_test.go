package ec2sim

// Wildcard and Demands are shown to the tests.
var (
	Wildcard = func(p, text string) bool { return patternsOf([]string{p})[0].match(text) }
	Demands  = demands
)

// Looked counts the resources that listings looked at so far.
func (s *Service) Looked() int { return s.looked }

// TakeMany takes snapshots of a volume past the API, with tags of their own.
func (s *Service) TakeMany(ref Ref, n int, tags func(i int) map[string]string) {
	st, v := s.site(ref.Site), s.volumes[ref.ID]
	for i := range n {
		sn := s.take(s.cloud.Now(), st, v)
		sn.tags = ownTags(ref.Account, tags(i))
	}
}
