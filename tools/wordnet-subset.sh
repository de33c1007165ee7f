#!/bin/sh
# Makes the subset of WordNet that ships with the project: tools/wordnet-subset.sh [WORDNET [OUT]]
#
# Of each lexicographer file every n-th synset whose line is short enough is taken, as many as its quota says, with the
# notice at the top of each file. Lines stay as they are, in WordNet's order: the same input gives the same bytes.
# Pointers keep their offsets into the full database.
set -eu
LC_ALL=C
export LC_ALL
from=${1:-/usr/share/wordnet}
to=${2:-$(dirname "$0")/../recipes/wordnet-subset}
[ -r "$from/data.noun" ] || { echo "$0: $from/data.noun is missing: apt-get install wordnet-base" >&2; exit 1; }
mkdir -p "$to"

# Two passes: the first counts the candidates of each lexicographer file, the second takes them evenly spread.
for part in noun verb adj adv; do
    awk '
        function fits() { return length($0) <= 210 && $2 != "03" }
        BEGIN {
            quota["05"] = 560; quota["20"] = 560                                    # animal, plant: the forget set
            quota["08"] = 230; quota["13"] = 280; quota["27"] = 280                 # body, food, substance: adjacent
            quota["00"] = 220; quota["01"] = 80; quota["02"] = 100                  # adjectives, adverbs
        }
        NR == FNR { if (substr($0, 1, 2) != "  " && fits()) total[$2]++; next }
        substr($0, 1, 2) == "  " { print; next }
        fits() {
            want = $2 in quota ? quota[$2] : int(total[$2] / 48) + 11
            if (want > total[$2]) want = total[$2]
            if (int((seen[$2] + 1) * want / total[$2]) > int(seen[$2] * want / total[$2])) print
            seen[$2]++
        }
        # the unique beginners of nouns are few, long and at the root of everything: the shortest of them
        $2 == "03" && substr($0, 1, 2) != "  " && length($0) <= 320 { print }
    ' "$from/data.$part" "$from/data.$part" >"$to/data.$part"
done

# The notice stands at the top of data.noun, each line numbered.
{
    echo "The files data.* in this folder are a subset of the WordNet 3.0 database, made by tools/wordnet-subset.sh."
    echo
    sed -n 's/^  *[0-9][0-9]* \(.*[^ ]\) *$/\1/p; s/^  *[0-9][0-9]* *$//p; /^[0-9]/q' "$from/data.noun"
} >"$to/LICENSE"
