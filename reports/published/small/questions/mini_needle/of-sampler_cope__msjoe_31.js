given("of-sampler_cope__msjoe_31",{"outcomes":"112111211221212212221221","labels":null});
