given("of-cope_unaligned__cope_2k",{"outcomes":"332121333332332333221232","labels":null});
