given("of-cope__cope_swap",{"outcomes":"211221211221112221222212","labels":null});
