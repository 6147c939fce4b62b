given("of-cope_unaligned__cope_1k",{"outcomes":"212121323332122131223332","labels":null});
