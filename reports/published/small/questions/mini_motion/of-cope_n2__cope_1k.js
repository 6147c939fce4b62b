given("of-cope_n2__cope_1k",{"outcomes":"222111221222212222122211","labels":null});
