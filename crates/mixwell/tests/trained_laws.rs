//! A training of an energy leaves a law in its folder that is read back as a target, with every base, and sampled like any other.

use mixwell::density::Target;
use mixwell::ebm::LawFile;
use mixwell::sampler::Sampler;
use mixwell::training_run::{TrainConfig, TrainingEnding, TrainingRun};

fn trained(base: &str, trainer: &str) -> (tempfile::TempDir, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "kind = 'energy'\nupdates = 40\n[data]\nlaw = {{ kind = 'two_modes' }}\nrows = 500\n[energy]\nbase = {{ kind = '{base}' }}\n\
         [pretraining]\nsteps = 40\n[training]\nbatch = 50\n[training.trainer]\n{trainer}\n"
    );
    let config = mixwell::config::parse::<TrainConfig>(&text).unwrap().settings;
    let path = folder.path().join("run");
    let ending = TrainingRun::new(config, &path).run().unwrap();
    let TrainingEnding::Finished(summary) = ending else { panic!("interrupted") };
    (folder, summary.results.into())
}

#[test]
fn a_trained_energy_is_read_back_and_sampled() {
    for (base, trainer) in [
        ("moments", "kind = 'flowmc'\nparticles = 4\nsteps = 3\nlocal_after = 2"),
        ("flow", "kind = 'nce'"),
        ("none", "kind = 'score'"),
    ] {
        let (folder, results) = trained(base, trainer);
        let law = LawFile::read(&folder.path().join("run")).unwrap();
        // ln Z over the box that the training looked at, by a coarse sum over the law that was read.
        let edges = results["edge_share"].as_f64().unwrap();
        assert!(law.log_prob_at(&[0.3, -0.2]).unwrap().is_finite() && edges.is_finite());
        if base == "none" {
            continue;
        }
        let grid = mixwell::ebm::Grid::new([-8.0; 2], [8.0; 2], 200).unwrap();
        let log_evidence = grid.density(&law).unwrap().log_evidence();
        let told = results["log_evidence"].as_f64().unwrap();
        assert!((log_evidence - told).abs() < 0.05, "{base}: {log_evidence} {told}");
        let run =
            Sampler::new(law).method(mixwell::kernel::mala().warmup(50)).chains(4).draws(50).seed(1).run();
        assert_eq!(run.unwrap().summary().unwrap().parameters.len(), 2);
    }
}

#[test]
fn damage_is_named() {
    let (folder, _) = trained("flow", "kind = 'nce'");
    let run = folder.path().join("run");
    let error = |file: &str| {
        let path = run.join(file);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = LawFile::read(&run).err().unwrap().to_string();
        std::fs::write(&path, bytes).unwrap();
        error
    };
    for file in [LawFile::NAME, LawFile::ENERGY, LawFile::BASE] {
        assert!(error(file).contains(file), "{}", error(file));
    }
    LawFile::read(&run).unwrap();
}
