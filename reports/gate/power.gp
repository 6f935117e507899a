# The power curve of the regression gate, from gate.jsonl:
#   assay selftest gate --seconds 0 --json gate.jsonl --resume --table gate.tsv
#   gnuplot power.gp
set terminal svg size 760,420 font "sans-serif,13" background "white"
set output "power.svg"
set datafile separator "\t"
set title "Slowdowns planted and found by the regression gate (95% intervals)"
set xlabel "planted slowdown, %"
set ylabel "called SLOWER"
set xrange [-0.5:10.6]
set yrange [-0.02:1.04]
set xtics (0, 1, 2, 3, 5, 10)
set ytics 0.1
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key at graph 0.98, 0.35 right samplen 2
set arrow from 3, graph 0 to 3, first 1 nohead dt 3 lc rgb "#999999"
plot 0.95 with lines dt 2 lc rgb "#999999" title "goal at 3%", \
     "gate.tsv" index 0 using ($1 - 0.06):5:6:7 with yerrorlines pt 7 ps 0.6 lc rgb "#1f6fb2" \
         title "one case, a delay", \
     "" index 1 using ($1 + 0.06):5:6:7 with yerrorlines pt 5 ps 0.6 lc rgb "#c2571a" \
         title "one case, extra work", \
     "" index 2 using 1:5:6:7 with yerrorlines pt 9 ps 0.7 lc rgb "#3a8f4d" \
         title "4 of 40 cases of a run"
