given("of-cope_unaligned__cope_1k",{"outcomes":"212113311212131333123331","labels":null});
