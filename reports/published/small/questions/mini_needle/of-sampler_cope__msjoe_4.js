given("of-sampler_cope__msjoe_4",{"outcomes":"132332313333232233331323","labels":null});
