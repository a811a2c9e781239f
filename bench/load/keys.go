package main

import (
	"fmt"
	"math/rand"
)

// directories is the number of common prefixes that the keys of a run are spread over.
const directories = 100

// keyName is the key of object number index: evenly over the directories, and in random order inside each, so that
// consecutive PUTs land anywhere in the key space.
func keyName(prefix string, index int64) string {
	return fmt.Sprintf("%s%02d/%016x", prefix, index%directories, mix(uint64(index)))
}

// picker chooses the objects that reads ask for.
type picker interface {
	// pick is the object of operation number op. Called by many workers at once.
	pick(op int64, random *rand.Rand) int64
}

// randomPicker asks for any object, again and again.
type randomPicker struct{ objects int64 }

func (p randomPicker) pick(_ int64, random *rand.Rand) int64 { return random.Int63n(p.objects) }

// eachPicker asks for every object once, in random order, then in the same order again: what is not cached when the run
// starts is not cached when it is asked for.
type eachPicker struct{ order []int }

func (p eachPicker) pick(op int64, _ *rand.Rand) int64 { return int64(p.order[op%int64(len(p.order))]) }

func newPicker(order string, objects, seed int64) (picker, error) {
	switch order {
	case "random":
		return randomPicker{objects}, nil
	case "each":
		return eachPicker{rand.New(rand.NewSource(seed)).Perm(int(objects))}, nil
	}
	return nil, fmt.Errorf("order %q is neither random nor each", order)
}
