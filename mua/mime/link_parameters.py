"""The parameters of a link that say who clicked it, where and in which mail: the link leads to the same place without.

Rules of the file: data; lower case; what a site could need to find the page is not in here.
"""

from typing import Final

NAMES: Final = frozenset(
    """
    _branch_match_id _bta_c _bta_tid _ga _gl _hsenc _hsmi _ke _kx _openstat action_object_map action_ref_map
    action_type_map at_campaign at_medium bsft_clkid bsft_eid bsft_mid bsft_uid ceid ck_subscriber_id cmpid dclid
    dm_i ef_id elqaid elqat elqtrack elqtrackid emci emdi epik fb_action_ids fb_action_types fb_ref fb_source
    fbadid fbclid gbraid gclid gclsrc guccounter guce_referrer guce_referrer_sig hsctatracking igshid irclickid
    iterable_campaign li_fat_id mc_cid mc_eid mc_tc mibextid mkt_tok mkwid ml_subscriber ml_subscriber_hash
    msclkid nr_email_referer oft_c oft_ck oft_d oft_id oft_ids oft_k oft_lk oft_sk oly_anon_id oly_enc_id
    rb_clickid rdt_cid recipient_id redirect_log_mongo_id redirect_mongo_id s_cid s_kwcid sb_referer_host
    sc_campaign sc_channel sc_content sc_country sc_eh sc_geo sc_lid sc_llid sc_medium sc_outcome sc_publisher
    sc_uid si_source soc_src soc_trk spjobid spmailingid spreportid spuserid srsltid trk_contact trk_module
    trk_msg trk_sid ttclid twclid unicorn_click_id vero_conv vero_id wbraid wickedid wickedsource wt.mc_id wtrid
    xtor yclid ymclid ysclid zanpid
    """.split()
)
PREFIXES: Final = ("utm_", "pk_", "mtm_", "matomo_", "hsa_", "stm_", "itm_", "oft_", "vero_")
"""Beginnings of names."""


def tracks(name: str) -> bool:
    """Whether a parameter of this name is there to follow the person who clicks."""
    lowered = name.lower()
    return lowered in NAMES or lowered.startswith(PREFIXES)
