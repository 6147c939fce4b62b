given("of-cope__cope_1k_s8",{"outcomes":"332133211233332133223332","labels":null});
