package archive

import "longwire/store"

// FailFlushes makes what Flush submits fail behind all that it does, as long as broken says so.
func FailFlushes(s *Service, broken func() error) {
	submit := s.submit
	s.submit = func(op func(*store.Tx) error, done func(error)) {
		submit(func(tx *store.Tx) error {
			if err := op(tx); err != nil {
				return err
			}
			return broken()
		}, done)
	}
}
