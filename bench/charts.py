"""Dots on a logarithmic scale, a line a peer, a shape and colour a size: drawn by gnuplot as SVG.

All colours are of middling brightness and the background is none, so that a chart can be read on a light page and on a
dark one. Knows nothing of what is measured.
"""

import shutil
import statistics
import subprocess

TEXT = "#7b7b7b"
SERIES = [("#3b82c4", 7), ("#c9770f", 5), ("#c0489a", 9), ("#3d9a50", 13)]  # colour, shape


def block(name, lines):
    return f"${name} << END\n" + "".join(f"{line}\n" for line in lines) + "END\n"


def draw(path, title, series):
    """series: [(size, [(peer, values, a text "> N", or None)])]. Writes nothing where there is nothing to show, or no
    gnuplot."""
    peers = list(dict.fromkeys(peer for _, points in series for peer, values in points if values))
    if not peers or not shutil.which("gnuplot"):
        return
    data, plots, shown = [], [], []
    for number, (size, points) in enumerate(series):
        colour, shape = SERIES[number % len(SERIES)]
        offset = 0.22 * ((len(series) - 1) / 2 - number)
        known, beyond = [], []
        for peer, values in points:
            height = len(peers) - peers.index(peer) + offset if values else 0
            if isinstance(values, str):
                shown.append(float(values.removeprefix("> ")))
                beyond.append(f"{shown[-1]} {height} \">\"")
            elif values and min(values) > 0:
                shown += values
                known.append(f"{statistics.median(values)} {height} {min(values)} {max(values)}")
        data += [block(f"known{number}", known), block(f"beyond{number}", beyond)]
        if known:
            plots.append(f'$known{number} using 1:2:3:4 with xerrorbars title "{size} names" '
                         f'lc rgb "{colour}" pt {shape} ps 0.7')
        if beyond:
            plots.append(f'$beyond{number} using 1:2:3 with labels notitle tc rgb "{colour}" font ",14"')
    if not plots:
        return
    tics = ", ".join(f'"{peer}" {len(peers) - at}' for at, peer in enumerate(peers))
    script = f"""set terminal svg size 760,{90 + 36 * len(peers)} font "sans-serif,13" noenhanced
set output "{path}"
set title "{title}" tc rgb "{TEXT}"
set border 1 lc rgb "{TEXT}"
set key outside bottom center horizontal samplen 1 font ",11" tc rgb "{TEXT}"
set logscale x
set xrange [{min(shown) / 1.5}:{max(shown) * 1.5}]
set yrange [0.4:{len(peers) + 0.6}]
set ytics ({tics}) scale 0 tc rgb "{TEXT}"
set xtics nomirror tc rgb "{TEXT}"
set grid ytics xtics lc rgb "{TEXT}" lw 0.3
set format x "%g"
set bars 0.4
{''.join(data)}plot {', '.join(plots)}
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
