//! Contours of a surface: the closed curves around all places with at least some value, by marching squares.
//!
//! Around the grid lies a ring of places with the value minus infinity, so every curve is closed. In each square, walked round with the
//! corners on the left, a curve begins where the walk leaves the inside and ends where it comes back; so every crossed edge is the
//! beginning of a segment in one square and the end of one in its neighbour, and segments join to loops without a search.

use crate::surface::Surface;

const NONE: usize = usize::MAX;

/// The curves at `level`, as points in the surface's own coordinates.
pub(crate) fn contours(surface: &Surface, level: f64) -> Vec<Vec<[f64; 2]>> {
    let nodes = Nodes { surface, columns: surface.columns + 2, rows: surface.rows() + 2 };
    let next = segments(&nodes, level);
    let mut visited = vec![false; next.len()];
    let mut loops = Vec::new();
    for start in 0..next.len() {
        if next[start] == NONE || visited[start] {
            continue;
        }
        let mut points = Vec::new();
        let mut edge = start;
        while !visited[edge] {
            visited[edge] = true;
            points.push(nodes.crossing(edge, level));
            edge = next[edge];
        }
        loops.push(points);
    }
    loops
}

/// For each edge where a segment begins, the edge where it ends.
fn segments(nodes: &Nodes<'_>, level: f64) -> Vec<usize> {
    let mut next = vec![NONE; 2 * nodes.columns * nodes.rows];
    for j in 0..nodes.rows - 1 {
        for i in 0..nodes.columns - 1 {
            let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
            let inside = corners.map(|(i, j)| nodes.value(i, j) >= level);
            let edges = [
                nodes.horizontal(i, j),
                nodes.vertical(i + 1, j),
                nodes.horizontal(i, j + 1),
                nodes.vertical(i, j),
            ];
            for k in 0..4 {
                if inside[k] && !inside[(k + 1) % 4] {
                    let back = (1..4).map(|s| (k + s) % 4).find(|e| !inside[*e] && inside[(e + 1) % 4]);
                    next[edges[k]] = back.map_or(NONE, |e| edges[e]);
                }
            }
        }
    }
    next
}

/// The places of the surface with the ring around them.
struct Nodes<'a> {
    surface: &'a Surface,
    columns: usize,
    rows: usize,
}

impl Nodes<'_> {
    fn value(&self, i: usize, j: usize) -> f64 {
        let ring = i == 0 || j == 0 || i + 1 == self.columns || j + 1 == self.rows;
        let value = if ring { f64::NAN } else { self.surface.values[(j - 1) * self.surface.columns + i - 1] };
        if value.is_nan() { f64::NEG_INFINITY } else { value.min(f64::MAX) }
    }

    /// The edge from node `(i, j)` to the right.
    fn horizontal(&self, i: usize, j: usize) -> usize {
        j * self.columns + i
    }

    /// The edge from node `(i, j)` upwards.
    fn vertical(&self, i: usize, j: usize) -> usize {
        self.columns * self.rows + self.horizontal(i, j)
    }

    /// Where the surface has the value `level` on an edge.
    fn crossing(&self, edge: usize, level: f64) -> [f64; 2] {
        let upright = edge >= self.columns * self.rows;
        let node = edge % (self.columns * self.rows);
        let (i, j) = (node % self.columns, node / self.columns);
        let (a, b) = (self.value(i, j), if upright { self.value(i, j + 1) } else { self.value(i + 1, j) });
        // From the inside, so that next to minus infinity the crossing is at the inner node.
        let share = if a >= level { (a - level) / (a - b) } else { 1.0 - (b - level) / (b - a) };
        let (dx, dy) = if upright { (0.0, share) } else { (share, 0.0) };
        self.surface.place(i as f64 - 1.0 + dx, j as f64 - 1.0 + dy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twice the area inside a loop, positive if the inside is on the left.
    fn area(points: &[[f64; 2]]) -> f64 {
        let pairs = points.iter().zip(points.iter().cycle().skip(1));
        0.5 * pairs.map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>()
    }

    #[test]
    fn a_disc_and_a_ring() {
        // x^2 + y^2 <= 1 has area pi; the ring 1 <= r^2 <= 4 is the disc of radius 2 less that of radius 1.
        let disc = Surface::from_fn([-3.0, 3.0], [-3.0, 3.0], 101, 101, |x, y| -(x * x + y * y));
        let loops = contours(&disc, -1.0);
        assert_eq!(loops.len(), 1);
        assert!((area(&loops[0]) - std::f64::consts::PI).abs() < 0.01);
        let ring = Surface::from_fn([-3.0, 3.0], [-3.0, 3.0], 101, 101, |x, y| -(x * x + y * y - 2.5).abs());
        let areas: Vec<f64> = contours(&ring, -1.5).iter().map(|l| area(l)).collect();
        assert_eq!(areas.len(), 2);
        assert!((areas.iter().sum::<f64>() - 3.0 * std::f64::consts::PI).abs() < 0.03);
    }

    #[test]
    fn curves_close_at_the_edge_and_around_nan() {
        let plane = Surface::from_fn([0.0, 2.0], [0.0, 1.0], 21, 11, |x, _| x);
        let loops = contours(&plane, 1.05);
        assert!((area(&loops[0]) - 0.95).abs() < 1e-12, "the right part of a rectangle of area 2");
        let mut flat = Surface::from_fn([0.0, 4.0], [0.0, 4.0], 5, 5, |_, _| 1.0);
        flat.values[12] = f64::NAN;
        // The square of area 16 without the diamond whose corners are the four neighbours of the middle.
        let total: f64 = contours(&flat, 0.5).iter().map(|l| area(l)).sum();
        assert!((total - 14.0).abs() < 1e-12);
        assert!(contours(&flat, 2.0).is_empty());
    }
}
