package mix

// A refiner corrects a chance by what came of such chances in its context before: between steps of the logit.
type refiner struct {
	steps []uint16
	at    int
}

const (
	refineSteps = 33
	refineUnit  = 2 * far / (refineSteps - 1) // logit between steps
)

func newRefiner(contexts int) *refiner {
	r := &refiner{steps: make([]uint16, contexts*refineSteps)}
	for i := range r.steps {
		r.steps[i] = uint16(squash(int32(i%refineSteps)*refineUnit - far))
	}
	return r
}

func (r *refiner) copyTo(t *refiner) { t.steps = append(t.steps[:0], r.steps...) }

// refine is the chance, in 65536ths, for a logit of it.
func (r *refiner) refine(context uint32, x int32) uint32 {
	x = min(x+far, 2*far-1)
	r.at = int(context)*refineSteps + int(x/refineUnit)
	w := uint32(x % refineUnit)
	return (uint32(r.steps[r.at])*(refineUnit-w) + uint32(r.steps[r.at+1])*w) / refineUnit
}

func (r *refiner) update(bit int) {
	for _, s := range [2]*uint16{&r.steps[r.at], &r.steps[r.at+1]} {
		if bit == 1 {
			*s += (65535 - *s) >> 6
		} else {
			*s -= *s >> 6
		}
	}
}
