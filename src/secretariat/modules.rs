//! The modules of the secretariat: one table, from which addresses, rail, landing page and permissions are made.

use std::borrow::Borrow;

use crate::accounts::Role;
use crate::i18n::Lang;

/// What modules are about, for the rail of whoever works in many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    Government,
    Citizen,
    Voice,
    Planning,
}

impl Area {
    pub const ALL: &[Self] = &[Self::Government, Self::Citizen, Self::Voice, Self::Planning];

    /// Key of its words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Government => "rail-sec-government",
            Self::Citizen => "rail-sec-citizen",
            Self::Voice => "rail-sec-voice",
            Self::Planning => "rail-sec-planning",
        }
    }
}

/// One module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module {
    /// In addresses of the API: "service-evaluation".
    pub slug: &'static str,
    /// In addresses of pages: "avaliacao-de-servicos".
    pub slug_pt: &'static str,
    pub title_pt: &'static str,
    pub title_en: &'static str,
    /// Number of the competence in the municipal act; empty for what serves them all.
    pub clause: &'static str,
    /// What the act says, in short.
    pub clause_text: &'static str,
    /// The same for whoever reads English; the act itself is Portuguese.
    pub clause_text_en: &'static str,
    /// Whoever works here has it.
    pub role: Role,
}

impl Module {
    /// In columns and definition files: "service_evaluation".
    pub const fn key(&self) -> &'static str {
        self.role.as_str()
    }

    pub const fn area(&self) -> Area {
        match self.role {
            Role::Transparency
            | Role::Participation
            | Role::ServiceEvaluation
            | Role::Sic
            | Role::Ombudsman
            | Role::ServiceCharter => Area::Citizen,
            Role::Outreach | Role::Segments | Role::MediaMonitoring | Role::Press | Role::News => Area::Voice,
            Role::Committees | Role::Agreements | Role::StrategicProjects | Role::Funding | Role::Budget => {
                Area::Planning
            }
            _ => Area::Government,
        }
    }

    pub fn title(&self, lang: impl Borrow<Lang>) -> &'static str {
        let lang: &Lang = lang.borrow();
        match lang {
            Lang::Pt => self.title_pt,
            Lang::En => self.title_en,
        }
    }

    /// What the act says, in short.
    pub fn clause_text(&self, lang: impl Borrow<Lang>) -> &'static str {
        let lang: &Lang = lang.borrow();
        match lang {
            Lang::Pt => self.clause_text,
            Lang::En => self.clause_text_en,
        }
    }
}

/// All of them, in the order of the act. Clause 18, civil defense, is the core and no module.
pub const MODULES: &[Module] = &[
    Module {
        slug: "representation",
        slug_pt: "representacao",
        title_pt: "Representação institucional",
        title_en: "Institutional representation",
        clause: "1",
        clause_text: "Representação civil das secretarias junto ao Estado e à União, quando delegada",
        clause_text_en: "Standing for the departments before the State and the Union, when delegated",
        role: Role::Representation,
    },
    Module {
        slug: "advisory",
        slug_pt: "assessoramento",
        title_pt: "Assessoramento",
        title_en: "Advice to the mayor",
        clause: "2",
        clause_text: "Assessoramento ao Prefeito e ao Vice-Prefeito",
        clause_text_en: "Advice to the mayor and the deputy mayor",
        role: Role::Advisory,
    },
    Module {
        slug: "coordination",
        slug_pt: "articulacao-interna",
        title_pt: "Articulação interna",
        title_en: "Internal coordination",
        clause: "3",
        clause_text: "Articulação da ação política dos órgãos do Município",
        clause_text_en: "Coordination of the political action of the municipality's bodies",
        role: Role::Coordination,
    },
    Module {
        slug: "relations",
        slug_pt: "articulacao-externa",
        title_pt: "Articulação externa",
        title_en: "External relations",
        clause: "4",
        clause_text: "Articulação com os demais Poderes, Municípios, sociedade e movimentos sociais",
        clause_text_en: "Relations with the other powers, municipalities, civil society and social movements",
        role: Role::Relations,
    },
    Module {
        slug: "legislative",
        slug_pt: "materias-legislativas",
        title_pt: "Matérias legislativas",
        title_en: "Legislative matters",
        clause: "5",
        clause_text: "Análise do mérito, da oportunidade e da compatibilidade de propostas e matérias legislativas",
        clause_text_en: "Analysis of the merit, timeliness and fit of bills and legislative matters",
        role: Role::Legislative,
    },
    Module {
        slug: "ethics",
        slug_pt: "etica",
        title_pt: "Integridade e Conselho de Ética",
        title_en: "Integrity and ethics council",
        clause: "6",
        clause_text: "Integridade (compliance) e Conselho de Ética Pública",
        clause_text_en: "Integrity (compliance) and the Public Ethics Council",
        role: Role::Ethics,
    },
    Module {
        slug: "transparency",
        slug_pt: "transparencia",
        title_pt: "Transparência ativa",
        title_en: "Active transparency",
        clause: "7",
        clause_text: "Cooperação com os sistemas de transparência",
        clause_text_en: "Cooperation with the systems of transparency",
        role: Role::Transparency,
    },
    Module {
        slug: "participation",
        slug_pt: "participacao",
        title_pt: "Consultas e audiências",
        title_en: "Consultations and hearings",
        clause: "8",
        clause_text: "Comunicação entre a sociedade civil e o Executivo",
        clause_text_en: "Communication between civil society and the executive",
        role: Role::Participation,
    },
    Module {
        slug: "service-evaluation",
        slug_pt: "avaliacao-de-servicos",
        title_pt: "Avaliação de serviços",
        title_en: "Evaluation of services",
        clause: "9",
        clause_text: "Avaliação dos serviços públicos estaduais e federais prestados no Município",
        clause_text_en: "Evaluation of state and federal public services rendered in the municipality",
        role: Role::ServiceEvaluation,
    },
    Module {
        slug: "committees",
        slug_pt: "comites",
        title_pt: "Comitês",
        title_en: "Committees",
        clause: "10",
        clause_text: "Coordenação dos comitês",
        clause_text_en: "Coordination of the committees",
        role: Role::Committees,
    },
    Module {
        slug: "agreements",
        slug_pt: "parcerias",
        title_pt: "Termos, contratos e outorgas",
        title_en: "Agreements, contracts and grants",
        clause: "11",
        clause_text: "Termos, contratos e avenças; outorga, delegação e mutualidade",
        clause_text_en: "Agreements, contracts and covenants; grant, delegation and mutuality",
        role: Role::Agreements,
    },
    Module {
        slug: "strategic-projects",
        slug_pt: "projetos",
        title_pt: "Projetos estratégicos",
        title_en: "Strategic projects",
        clause: "12a",
        clause_text: "Projetos estratégicos",
        clause_text_en: "Strategic projects",
        role: Role::StrategicProjects,
    },
    Module {
        slug: "sic",
        slug_pt: "acesso-a-informacao",
        title_pt: "Acesso à informação",
        title_en: "Access to information",
        clause: "12b",
        clause_text: "Serviço de informação ao cidadão",
        clause_text_en: "Information service to citizens",
        role: Role::Sic,
    },
    Module {
        slug: "ombudsman",
        slug_pt: "ouvidoria",
        title_pt: "Ouvidoria",
        title_en: "Ombudsman",
        clause: "12c",
        clause_text: "Ouvidoria",
        clause_text_en: "Ombudsman",
        role: Role::Ombudsman,
    },
    Module {
        slug: "outreach",
        slug_pt: "divulgacao",
        title_pt: "Divulgação",
        title_en: "Outreach",
        clause: "13",
        clause_text: "Divulgação de projetos e políticas",
        clause_text_en: "Making projects and policies known",
        role: Role::Outreach,
    },
    Module {
        slug: "segments",
        slug_pt: "segmentos",
        title_pt: "Informação por segmento",
        title_en: "Information by segment",
        clause: "14",
        clause_text: "Disseminação de informações por segmento",
        clause_text_en: "Spreading information by segment",
        role: Role::Segments,
    },
    Module {
        slug: "service-charter",
        slug_pt: "carta-de-servicos",
        title_pt: "Carta de Serviços",
        title_en: "Service charter",
        clause: "15",
        clause_text: "Difusão dos direitos e dos serviços",
        clause_text_en: "Making rights and services known",
        role: Role::ServiceCharter,
    },
    Module {
        slug: "media-monitoring",
        slug_pt: "clipping",
        title_pt: "Clipping",
        title_en: "Media monitoring",
        clause: "16",
        clause_text: "Acompanhamento e análise das matérias da mídia",
        clause_text_en: "Following and analysing what the media publish",
        role: Role::MediaMonitoring,
    },
    Module {
        slug: "press",
        slug_pt: "imprensa",
        title_pt: "Imprensa",
        title_en: "Press",
        clause: "17",
        clause_text: "Noticiários de imprensa e sua distribuição",
        clause_text_en: "Press news and their distribution",
        role: Role::Press,
    },
    Module {
        slug: "funding",
        slug_pt: "captacao",
        title_pt: "Convênios e captação",
        title_en: "Funding",
        clause: "19",
        clause_text: "Sala de Projetos: convênios e captação de recursos",
        clause_text_en: "Project room: agreements and the raising of funds",
        role: Role::Funding,
    },
    Module {
        slug: "budget",
        slug_pt: "orcamento",
        title_pt: "PPA, LDO e LOA",
        title_en: "Multi-year plan and budget",
        clause: "20",
        clause_text: "Orçamento anual e plurianual",
        clause_text_en: "Yearly and multi-year budget",
        role: Role::Budget,
    },
    Module {
        slug: "assignments",
        slug_pt: "tarefas",
        title_pt: "Tarefas correlatas",
        title_en: "Assigned tasks",
        clause: "21",
        clause_text: "Outras tarefas cometidas pelo Prefeito",
        clause_text_en: "Other tasks given by the mayor",
        role: Role::Assignments,
    },
    Module {
        slug: "news",
        slug_pt: "noticias",
        title_pt: "Notícias",
        title_en: "News",
        clause: "",
        clause_text: "Notícias recentes da Secretaria",
        clause_text_en: "Recent news of the department",
        role: Role::News,
    },
];

/// By the word of its address, of the API or of a page, or by its key.
pub fn find(word: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.slug == word || module.slug_pt == word || module.key() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_of_a_module_has_one_module_and_no_two_share_an_address() {
        for role in Role::ALL.iter().filter(|role| role.is_module()) {
            assert_eq!(MODULES.iter().filter(|module| module.role == *role).count(), 1, "{role}");
        }
        for (at, one) in MODULES.iter().enumerate() {
            assert_eq!(one.slug.replace('-', "_"), one.key());
            let clash = |other: &Module| other.slug == one.slug || other.slug_pt == one.slug_pt;
            assert!(!MODULES[..at].iter().any(clash), "{}", one.slug);
        }
    }
}
