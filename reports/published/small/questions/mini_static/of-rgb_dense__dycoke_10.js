given("of-rgb_dense__dycoke_10",{"outcomes":"444421222122214412444444","labels":null});
